"""Parameters and facts of the machine, typed and checked before any work."""
