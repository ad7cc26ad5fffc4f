"""Classical tests of two windows, one per file. Each looks once: repeated looks at a stream need an e-detector."""
