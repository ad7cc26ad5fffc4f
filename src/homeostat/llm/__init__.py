"""Models that answer: the backend protocol, the local backend, and the one place that turns chat into tokens."""
