"""Answers from a handful of examples, in moments: methods by name, of which the best measured one is the default."""
