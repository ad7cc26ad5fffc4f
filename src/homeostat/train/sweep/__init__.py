"""Looks for better values of a recipe: by trials that are given up early, and by a rate that rises until it breaks."""
