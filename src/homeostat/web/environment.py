"""The templates, with every value escaped unless it is a drawing of ours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from homeostat.web import words

HERE = Path(__file__).parent
_DRAWN = ("<svg ",)
_FILTERS = ("percent", "count", "amount", "about", "flops", "duration", "milliseconds", "when", "short", "points")


@cache
def environment() -> Environment:
    """The environment that all pages share, made when the first page is asked for."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({name: getattr(words, name) for name in _FILTERS})
    made.filters["drawn"] = drawn
    made.filters["urlencode"] = address
    return made


def drawn(svg: str) -> Markup:
    """A drawing of `homeostat.web.chart`, not to be escaped again; anything else is escaped."""
    return Markup(svg) if svg.startswith(_DRAWN) else Markup.escape(svg)


def address(value: str) -> str:
    """A value as part of an address, as the filter of this name but for half characters, which it would not take."""
    return quote(str(value).encode("utf-8", "replace"), safe="")


def set_page(template: str, context: Mapping[str, Any]) -> str:
    """A page from a template. Half characters, which no encoding can carry, become question marks."""
    page = environment().get_template(template).render(context)
    return page.encode("utf-8", "replace").decode("utf-8")


@cache
def stylesheet() -> str:
    """The one stylesheet: served to the pages, written into the report."""
    return (HERE / "static" / "style.css").read_text("utf-8")
