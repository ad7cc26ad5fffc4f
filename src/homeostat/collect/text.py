"""Which text can be kept: what any of the databases would refuse is refused at the door, with the reason."""

from __future__ import annotations


def unkeepable(text: str) -> str:
    """Why `text` cannot be stored, or nothing: NUL characters and halves of surrogate pairs fit no database."""
    if "\x00" in text:
        return "holds a NUL character"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as broken:
        return f"holds half of a surrogate pair at character {broken.start}"
    return ""
