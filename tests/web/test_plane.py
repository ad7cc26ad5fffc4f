from __future__ import annotations

import random
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from homeostat.web.environment import stylesheet
from homeostat.web.plane import ASPECT, Label, plane, swatch
from homeostat.web.svg import Caption

SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption(title="Map", description="of requests")


def points(n: int = 200) -> list[dict[str, Any]]:
    draw = random.Random(0)
    return [
        {"id": f"int_{k}", "x": draw.gauss(0, 2), "y": draw.gauss(0, 1), "current": k % 2 == 0, "text": f"text {k} <b>"}
        for k in range(n)
    ]


def drawn(labels: list[Label] | None = None, some: list[dict[str, Any]] | None = None) -> ElementTree.Element:
    known = points() if some is None else some
    return ElementTree.fromstring(plane(CAPTION, known, labels or [], axes=(0.25, 0.125), to="/ui/why/"))


def circles(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [one for one in root.iter(f"{SVG}circle") if one.get("class") == kind]


def test_every_request_is_a_dot_that_tells_its_text_and_leads_on() -> None:
    """Hollow before and filled since, by class; the text is what pointing at it shows, and no markup."""
    root = drawn()
    assert (len(circles(root, "before")), len(circles(root, "since"))) == (100, 100)
    assert circles(root, "since")[0].find(f"{SVG}title").text == "since: text 0 <b>"  # type: ignore[union-attr]
    assert {one.get("href") for one in root.iter(f"{SVG}a")} == {f"/ui/why/int_{k}" for k in range(200)}
    assert {one.get("tabindex") for one in root.iter(f"{SVG}a")} == {"-1"}  # two hundred stops are none


def test_ids_cannot_leave_their_address() -> None:
    """Whatever an id holds is part of one path."""
    hostile = [point | {"id": '"/><script>/../x'} for point in points(10)]
    assert {one.get("href") for one in drawn(some=hostile).iter(f"{SVG}a")} == {
        "/ui/why/%22%2F%3E%3Cscript%3E%2F..%2Fx"
    }


def test_both_axes_have_the_same_scale() -> None:
    """A step across is as long as one up, in the shape that the stylesheet gives the drawing."""
    assert f"aspect-ratio: {3} / {2}" in stylesheet()
    assert ASPECT == 3 / 2
    known = points(300)
    places = [
        (float((one.get("cx") or "").rstrip("%")), float((one.get("cy") or "").rstrip("%")), point)
        for one, point in zip(
            circles(drawn(some=known), "since"), [point for point in known if point["current"]], strict=True
        )
    ]
    inside = [(x, y, point) for x, y, point in places if 0 < x < 100 and 0 < y < 100]
    (x0, y0, first), (x1, y1, second) = inside[0], max(inside, key=lambda one: abs(one[0] - inside[0][0]))
    across = (x1 - x0) * ASPECT / (second["x"] - first["x"])
    up = (y0 - y1) / (second["y"] - first["y"])
    assert across == pytest.approx(up, rel=0.01)


def test_what_lies_far_off_is_held_at_the_edge() -> None:
    """A stray request does not shrink the map; all lie inside the frame."""
    far = [*points(), {"id": "far", "x": 1e6, "y": -1e6, "current": True, "text": "far"}]
    root = drawn(some=far)
    last = circles(root, "since")[-1]
    assert (last.get("cx"), last.get("cy")) == ("100%", "100%")
    shares = [float(one.get("cx", "").rstrip("%")) for one in circles(root, "before")]
    assert max(shares) - min(shares) > 30


def test_names_do_not_lie_on_one_another() -> None:
    """Six at the same place stand one under the other, the new topic ringed and where it belongs."""
    labels = [Label(k + 1, f"late parcel {k}", 0.0, 0.0, k == 3) for k in range(6)]
    root = drawn(labels)
    places = [float(one.get("y", "").rstrip("%")) for one in root.iter(f"{SVG}text") if "place" in one.get("class", "")]
    gaps = [abs(a - b) for k, a in enumerate(places) for b in places[k + 1 :]]
    assert min(gaps) > 4
    assert len(circles(root, "ring")) == 1
    (new,) = [one for one in root.iter(f"{SVG}text") if one.get("class") == "place new"]
    assert float(new.get("y", "").rstrip("%")) == places[0]
    assert "".join(new.itertext()) == "4 late parcel 3"


def test_the_axes_say_how_much_lies_along_them() -> None:
    """In percent of the variance; and the key's dots look like those of the map."""
    said = [one.text for one in drawn().iter(f"{SVG}text")]
    assert said[:2] == ["→ 25\u202f%", "↑ 12\u202f%"]
    assert re.findall('class="(before|since)"', swatch(current=True) + swatch(current=False)) == ["since", "before"]


def test_requests_at_one_place_are_drawn_all_the_same() -> None:
    """No division by a span of zero."""
    same = [point | {"x": 0.0, "y": 0.0} for point in points(20)]
    assert {one.get("cx") for one in circles(drawn(some=same), "since")} == {"50%"}
