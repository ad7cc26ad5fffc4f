"""Does it pay? From evidence to a decision with its gain, its cost, its alternatives and a sentence.

`value` puts numbers on both sides, `policy` chooses, `sentence` says why; all three are pure. `record` alone reads and
writes the store.
"""
