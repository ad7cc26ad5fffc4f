"""Server-rendered pages that show what the store holds, each with a JSON twin, and the report of a demo. They change nothing."""
