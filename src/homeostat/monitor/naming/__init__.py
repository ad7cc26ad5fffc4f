"""What moved, named after an alarm: since when, in which slices, which new topics, and which kind of drift it is."""
