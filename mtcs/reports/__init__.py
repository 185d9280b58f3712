"""Reports of a suite: accuracy, affinity, figures, and one page that shows all of it."""
