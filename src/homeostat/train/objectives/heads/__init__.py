"""What a head of the version's own learns: one of several labels, numbers, or tags of which any may hold."""
