"""Homeostat keeps a production LLM as good as the day it shipped, and makes it better.

Importing the package does nothing: no file is opened, no environment read, no model library loaded.
"""

__version__ = "0.1.0"
