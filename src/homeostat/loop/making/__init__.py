"""Versions: learned, merged, mended, made again, and what one of them needs to begin."""
