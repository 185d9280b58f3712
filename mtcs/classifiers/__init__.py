"""What reads representations and series: a module for each classifier, and probabilities of their decisions."""
