"""Candidate beside champion on the same rows: scores, groups, the gate and its sentence. Knows no model."""
