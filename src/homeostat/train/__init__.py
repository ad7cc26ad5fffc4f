"""How a model learns: one loop, and small parts that compose on it."""
