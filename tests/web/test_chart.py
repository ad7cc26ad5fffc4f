from __future__ import annotations

from xml.etree import ElementTree

from homeostat.web import axes, chart
from homeostat.web.svg import Caption, tag

SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption(title='<b>"A & B"\x00', description="what it shows \ud800")
DOTS = [chart.Dot(x=k * 86_400.0, mean=0.9, low=0.85, high=0.95, says=f"day {k}") for k in range(5)]
TRACKS = [
    chart.Track(name="confidence", points=[(0, -2.0), (60, 3.0), (120, 6.0)], tone="accent"),
    chart.Track(name="neighbors", points=[(0, 0.0)], tone="slate dashed"),
]
HEAPS = [
    chart.Heap(start=60.0 * k, end=60.0 * (k + 1), n=n, says=f"<{n}>", tone="accent") for k, n in enumerate((3, 0, 6))
]


def every() -> list[str]:
    """One of each chart."""
    marks = [axes.Mark(x=86_400.0, label="1", says="<signal>")]
    spans = [chart.Span(start=0, end=2e5, label="ver_a"), chart.Span(start=2e5, end=3.456e5, label="ver_b")]
    return [
        chart.line(CAPTION, DOTS, marks=marks, spans=spans),
        chart.line(CAPTION, DOTS[:1]),
        chart.line(CAPTION, DOTS, beside=DOTS[2:], target=0.7),
        chart.lines(CAPTION, TRACKS),
        chart.lines(CAPTION, [], shares=True),
        chart.columns(CAPTION, HEAPS),
        chart.steps(CAPTION, TRACKS, 5.7, marks=[axes.Mark(x=60, label="1")]),
        chart.bars(CAPTION, [chart.Bar(name="before <drift>", mean=0.9, low=0.8, high=1.2, tone="slate")]),
        chart.curves(CAPTION, TRACKS[:1], 2.0),
        chart.against(CAPTION, TRACKS[:1], ["<one>", "two", "three"], (-2.0, 6.0)),
        chart.strip(0.1, -0.5, 0.3, (-0.2, 0.2), 0.0),
        chart.share(1.7),
        chart.swatch("accent"),
    ]


def test_every_chart_is_xml() -> None:
    """What is drawn parses, whatever characters the words hold."""
    for svg in every():
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


def test_every_chart_has_a_title_and_a_description() -> None:
    """Whoever does not see a chart is told what it shows; small drawings beside numbers are hidden from them."""
    for svg in every():
        root = ElementTree.fromstring(svg)
        if root.get("aria-hidden") == "true":
            continue
        ids = {element.get("id"): element.text for element in root}
        assert root.get("role") == "img"
        assert ids[root.get("aria-labelledby")] == '<b>"A & B"\ufffd'
        assert (ids[root.get("aria-describedby")] or "").startswith("what it shows")


def test_drawing_twice_gives_the_same() -> None:
    """A chart depends on its values alone, so that a page can be compared with an earlier one."""
    assert every() == every()


def test_two_charts_of_one_page_share_no_id() -> None:
    """Ids of titles come from what is drawn."""
    first, second = chart.line(CAPTION, DOTS), chart.line(CAPTION, DOTS[:3])
    assert ElementTree.fromstring(first)[0].get("id") != ElementTree.fromstring(second)[0].get("id")


def test_charts_carry_no_color_and_no_style_of_their_own() -> None:
    """Colors are the stylesheet's tokens, by class, so that charts follow the page into the dark."""
    for svg in every():
        for element in ElementTree.fromstring(svg).iter():
            assert not {"fill", "stroke", "style"} & set(element.attrib)


def test_values_stay_inside_the_plot() -> None:
    """A value beyond the axis is drawn at its end."""
    root = ElementTree.fromstring(chart.bars(CAPTION, [chart.Bar(name="x", mean=1.4, low=-1, high=2, tone="accent")]))
    assert [r.get("width") for r in root.iter(f"{SVG}rect")] == ["100%", "100%"]
    steps = ElementTree.fromstring(chart.steps(CAPTION, [chart.Track(name="t", points=[(0, -99.0)], tone="x")], 5.7))
    assert [p.get("d") for p in steps.iter(f"{SVG}path")] == ["M500 200"]


def test_the_threshold_is_written_as_a_number() -> None:
    """The line that must not be reached says at how much it lies."""
    assert "threshold 500,000" in chart.steps(CAPTION, TRACKS, 5.69897)


def test_columns_stand_on_their_stretch_and_begin_at_zero() -> None:
    """Twice as many are twice as high; where there were none there is none."""
    drawn = list(ElementTree.fromstring(chart.columns(CAPTION, HEAPS)).iter(f"{SVG}rect"))
    three, six = (float(one.get("height") or 0) for one in drawn)
    assert abs(six / three - 2) < 0.01
    assert (drawn[0].get("x"), drawn[1].get("x")) == ("2.67%", "69.33%")


def test_two_ways_to_tell_quality_share_their_axes() -> None:
    """The second line is dashed, with a band of its own; the axis reaches down to the target, which says its number."""
    low = [chart.Dot(x=dot.x, mean=0.5, low=0.45, high=0.55) for dot in DOTS]
    svg = chart.line(CAPTION, DOTS, beside=low, target=0.35)
    assert ('class="band slate"' in svg, 'class="line slate dashed"' in svg) == (True, True)
    assert "target 35.0\u202f%" in svg
    assert "40\u202f%" in svg
    assert "40\u202f%" not in chart.line(CAPTION, DOTS)


def test_shares_end_at_the_next_ten_percent() -> None:
    """Small ones are not flattened; none goes beyond all."""
    for highest, label in ((0.13, "20\u202f%"), (1.0, "100\u202f%")):
        track = chart.Track(name="x", points=[(0, 0.0), (60, highest)], tone="accent")
        assert label in chart.lines(CAPTION, [track], shares=True)


def test_attributes_are_escaped() -> None:
    """A quote in a value does not end the attribute."""
    assert tag("g", class_='a" onload="x') == '<g class="a&quot; onload=&quot;x"/>'


def test_names_of_places_are_few_enough_to_read() -> None:
    """Of nine places five have their names under them, the first and the last among them; of five, all."""
    for n, written in ((9, ["v0", "v2", "v4", "v6", "v8"]), (5, ["v0", "v1", "v2", "v3", "v4"])):
        track = chart.Track(name="cost", points=[(float(k), float(k)) for k in range(n)], tone="accent")
        drawn = ElementTree.fromstring(chart.against(CAPTION, [track], [f"v{k}" for k in range(n)], (0.0, 9.0)))
        assert [e.text for e in drawn.iter(f"{SVG}text") if (e.text or "").startswith("v")] == written
