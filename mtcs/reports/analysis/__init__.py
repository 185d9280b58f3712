"""What results say: accuracies, tests of significance, affinities, costs."""
