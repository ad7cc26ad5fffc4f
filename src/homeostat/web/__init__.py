"""Server-rendered pages of what the store holds, each with a JSON twin, and the report of a demo. They only read."""
