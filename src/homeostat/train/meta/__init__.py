"""Where to begin, learned over past tasks, so that a new one is learned from a few examples in a few steps."""
