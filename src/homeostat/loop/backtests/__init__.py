"""What policies would have come to on a recorded stretch of the log."""
