"""Detectors: what turns a stream of numbers into an alarm that is rarely false; and, apart, the classical ones."""
