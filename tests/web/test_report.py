from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from homeostat.web.report import render
from web import documents

VOID = {"meta", "br", "link", "input"}


class Outline(HTMLParser):
    """Checks that elements are closed in order, and collects headings and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open."""
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note headings."""
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data.strip())


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    assert found.open == []
    return found


def test_a_full_document_fills_every_section() -> None:
    """Each part of the story has its heading, in order."""
    headings = outline(render(documents.realistic())).headings
    assert headings[1:] == [
        "Accuracy over time",
        "Drift",
        "Slice by slice",
        "What else could have been done",
        "Replies",
        "Turns",
        "Training",
        "Rollback drill",
        "Timeline",
    ]


def test_a_minimal_document_has_no_section() -> None:
    """What is missing is left out: no heading, no empty chart, no zero."""
    for document in (documents.minimal(), {}):
        found = outline(render(document))
        assert len(found.headings) == 1
        assert "svg" not in found.tags


def test_every_part_may_be_missing_alone() -> None:
    """Dropping or emptying any one key still renders."""
    full = documents.realistic()
    for key in full:
        outline(render({k: v for k, v in full.items() if k != key}))
        outline(render({**full, key: None}))
    for key in full["series"]:
        outline(render({**full, "series": {k: v for k, v in full["series"].items() if k != key}}))


def test_a_document_that_went_through_json_gives_the_same_page() -> None:
    """The report can be made again from what `--json` printed."""
    full = documents.realistic()
    assert render(json.loads(json.dumps(full))) == render(full)


def test_the_report_needs_nothing_else() -> None:
    """One file: no script, no address of anything, a policy that forbids loading."""
    page = render(documents.realistic())
    found = outline(page)
    assert "script" not in found.tags
    assert found.addresses == []
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_words_from_outside_are_escaped_everywhere() -> None:
    """A script tag in any text of the document is text on the page."""
    hostile = "<script>alert(1)</script>"

    def poisoned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: poisoned(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [poisoned(inner) for inner in value]
        return f"{value} {hostile}" if isinstance(value, str) else value

    page = render(poisoned(documents.realistic()))
    assert hostile not in page
    assert "&lt;script&gt;" in page
    assert "script" not in outline(page).tags


def test_half_characters_do_not_spoil_the_file() -> None:
    """A lone surrogate in a message becomes a question mark, so that the page can be written as UTF-8."""
    page = render({"stream": "a\ud800b", "timeline": [{"event": "signal", "text": "\ud800"}]})
    assert "a?b" in page
    page.encode("utf-8")


def test_the_charts_of_the_report_are_xml() -> None:
    """Each drawing on the page parses on its own."""
    page = render(documents.realistic())
    charts = re.findall(r'<svg xmlns="[^"]*" class="chart.*?</svg>(?=</figure>)', page, flags=re.DOTALL)
    assert len(charts) == 2 + len(documents.SLICES) + 3
    for svg in charts:
        ElementTree.fromstring(svg)


def test_colors_never_speak_alone() -> None:
    """Every bar, line and verdict has its word."""
    page = render(documents.realistic())
    for word in ("before drift", "after drift", "after turn", "confidence", "neighbors", "training", "held out"):
        assert word in page
    assert '<span class="state fail">fail</span>' in page
