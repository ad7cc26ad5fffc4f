"""SVG as text: elements, words that XML can hold, and the frame of a chart that says what it shows."""

from __future__ import annotations

import hashlib
import html
import re
from dataclasses import dataclass

_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What a chart is called and what it shows, for whoever does not see it."""

    title: str
    description: str


def tag(name: str, *inside: str, **attributes: str | float) -> str:
    """An element. Underscores in names of attributes are hyphens, one at the end is dropped; `inside` is markup."""
    written = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return clean(value) if isinstance(value, str) else short(value)


def short(number: float) -> str:
    """Two decimals, and none where they are zeros."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def clean(text: str) -> str:
    """Words as markup can hold them."""
    return html.escape(_UNSPEAKABLE.sub("\ufffd", text))


def word(text: str, **attributes: str | float) -> str:
    """A text element."""
    return tag("text", clean(text), **attributes)


def figure(caption: Caption, height: float, kind: str, *inside: str) -> str:
    """A chart with its title and description. Its width is the stylesheet's (`svg.chart`), its height in pixels."""
    drawn = "".join(inside)
    name = "c" + hashlib.sha256(f"{caption}{drawn}".encode("utf-8", "replace")).hexdigest()[:10]
    return tag(
        "svg",
        tag("title", clean(caption.title), id=f"{name}-title"),
        tag("desc", clean(caption.description), id=f"{name}-desc"),
        drawn,
        xmlns="http://www.w3.org/2000/svg",
        class_=f"chart {kind}",
        width="100%",
        height=height,
        role="img",
        aria_labelledby=f"{name}-title",
        aria_describedby=f"{name}-desc",
    )


def hidden(kind: str, height: int, *inside: str) -> str:
    """A small drawing that says nothing that is not said beside it."""
    return tag(
        "svg", *inside, xmlns="http://www.w3.org/2000/svg", class_=kind, width="100%", height=height, aria_hidden="true"
    )


def title(text: str) -> str:
    """What is shown when the element around it is pointed at."""
    return tag("title", clean(text))
