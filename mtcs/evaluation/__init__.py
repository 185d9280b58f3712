"""What a run of the pipeline amounts to: representations, predictions, accuracies, similarities, costs."""
