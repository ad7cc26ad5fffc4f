"""The order of rows: which of them a step may draw, and how often beside others. Without one every row once a pass."""
