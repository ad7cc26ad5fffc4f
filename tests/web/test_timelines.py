from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from homeostat.web.plain import plain
from homeostat.web.timelines import charts
from homeostat.web.usage import usage
from web.test_usage import DAY, row

LOST = [
    {"start": 300.0, "status": 500, "n": 7, "task": "", "fault": True},
    {"start": DAY, "status": 400, "n": 2, "task": "", "fault": False},
]


def drawn(lost: Any = (), **tags: str) -> list[dict[str, Any]]:
    told = plain(usage([row(600.0 * k, **tags) for k in range(300)]))
    return charts(told["stretches"], told["tags"], lost)


def test_each_has_a_chart_with_words() -> None:
    """Volume, latency, tokens and a tag, each of them XML with a title, and a key where there is more than one line."""
    cells = drawn(plan="<free>")
    assert [cell["name"] for cell in cells] == ["Requests", "Latency", "Tokens", "plan"]
    assert [len(cell["key"]) for cell in cells] == [0, 2, 2, 1]
    for cell in cells:
        assert (ElementTree.fromstring(cell["svg"])[0].text or "").startswith(cell["name"])
    assert "300 in all" in cells[0]["svg"]


def test_what_failed_stands_apart_from_what_was_refused() -> None:
    """Each in its stretch, with its number; neither is drawn where there was none."""
    failed, refused = (cell for cell in drawn(LOST) if cell["name"] in ("Failed", "Refused"))
    assert (failed["svg"].count('class="bar alarm"'), refused["svg"].count('class="bar slate"')) == (1, 1)
    assert "7 failed" in failed["svg"]
    assert "2 refused" in refused["svg"]
    assert not {"Failed", "Refused"} & {cell["name"] for cell in drawn()}


def test_one_stretch_is_no_course() -> None:
    """Nothing is drawn of it."""
    told = plain(usage([row(1.0), row(2.0)]))
    assert charts(told["stretches"], told["tags"], []) == []
