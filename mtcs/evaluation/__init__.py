"""What is made of representations: classifiers, accuracies, similarities, costs."""
