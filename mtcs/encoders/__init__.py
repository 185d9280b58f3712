"""Networks that turn a series into a representation."""
