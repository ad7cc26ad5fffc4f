"""Vectors of texts by something else than the model that answers: an encoder here, a server, a plugin, or n-grams."""
