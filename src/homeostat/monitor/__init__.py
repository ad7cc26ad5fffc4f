"""Notices that the world has moved: signals whose rate of false alarms is bounded and measured.

`watch.Watcher` is the door. It sees interactions and feedback as they come and nothing else: no reference answers, no
test rows, no clock. Memory and the cost per interaction do not grow with traffic, and its whole state is JSON.
"""
