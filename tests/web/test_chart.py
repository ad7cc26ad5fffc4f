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


def every() -> list[str]:
    """One of each chart."""
    marks = [axes.Mark(x=86_400.0, label="1", says="<signal>")]
    spans = [chart.Span(start=0, end=2e5, label="ver_a"), chart.Span(start=2e5, end=3.456e5, label="ver_b")]
    return [
        chart.line(CAPTION, DOTS, marks=marks, spans=spans),
        chart.line(CAPTION, DOTS[:1]),
        chart.steps(CAPTION, TRACKS, 5.7, marks=[axes.Mark(x=60, label="1")]),
        chart.bars(CAPTION, [chart.Bar(name="before <drift>", mean=0.9, low=0.8, high=1.2, tone="slate")]),
        chart.curves(CAPTION, TRACKS[:1], 2.0),
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


def test_attributes_are_escaped() -> None:
    """A quote in a value does not end the attribute."""
    assert tag("g", class_='a" onload="x') == '<g class="a&quot; onload=&quot;x"/>'
