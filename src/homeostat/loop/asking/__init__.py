"""What anybody may ask of one version: its figures, its fairness, what breaks it, what it recites."""
