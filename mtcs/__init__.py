"""Multi-Task Classifier Sharing (MTCS) for cross-dataset time-series classification."""

__version__ = "0.1.0"
