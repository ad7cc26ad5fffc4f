"""Where rows and files are kept: one `Store` with a narrow part per noun, on SQLite or PostgreSQL."""

from homeostat.store.store import Store

__all__ = ["Store"]
