"""Features of an interaction: what two windows of traffic can be compared in, each a pure function of rows."""
