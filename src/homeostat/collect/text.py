"""Which text can be worked with: what no tokenizer and no file could take later is refused when it comes in."""

from __future__ import annotations


def fault_of(text: str) -> str:
    """Why `text` cannot be taken, or nothing. JSON can spell halves of surrogate pairs, which UTF-8 cannot hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as broken:
        return f"holds half of a surrogate pair at character {broken.start}"
    return ""
