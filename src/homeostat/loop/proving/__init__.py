"""What a candidate is held to: the gate's questions, suites and test rows, and the second look."""
