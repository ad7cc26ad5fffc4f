"""What versions of several domains give each other: sums, mixtures and lines between them, warm starts, and routes."""
