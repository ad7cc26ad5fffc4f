"""The demo: the whole loop told on one stream, every line of it measured."""
