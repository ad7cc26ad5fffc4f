"""Puts this folder on the path, so that tests of several rooms can share what stands in it."""
