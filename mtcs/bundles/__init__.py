"""Classifiers of your own series: a model with a classifier for each task as one thing, fitted, saved, read, judged."""
