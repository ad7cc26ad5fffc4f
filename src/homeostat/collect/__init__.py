"""Everything that comes in and is written down: interactions, feedback, and streams of recorded data."""
