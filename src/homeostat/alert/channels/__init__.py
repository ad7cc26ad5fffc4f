"""Ways out: each takes a delivery and returns when the receiver has said that it has it, or raises `NotTaken`"""
