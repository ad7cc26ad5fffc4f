from __future__ import annotations

import math

from homeostat.web.axes import Frame, Mark, ground, marked, polyline, stairs
from homeostat.web.scale import Tick

FRAME = Frame((0.0, 10.0), (0.0, 2.0), 6, 100)


def test_values_lie_where_their_axes_say() -> None:
    """Across in percent of the plot, down in pixels from its top, held inside."""
    assert FRAME.percent(2.5) == "25%"
    assert (FRAME.down(0.0), FRAME.down(2.0), FRAME.down(9.0)) == (100.0, 0.0, 0.0)


def test_a_nan_breaks_a_line() -> None:
    """What is not known is not drawn across; a point between two gaps is a short stroke."""
    points = [(0.0, 1.0), (1.0, 1.0), (2.0, math.nan), (3.0, 2.0), (4.0, math.nan)]
    assert polyline(FRAME, points) == "M0 50L100 50M300 0h4"
    assert polyline(FRAME, [(0.0, math.nan)]) == ""


def test_stairs_hold_a_value_until_the_next() -> None:
    """First across, then up."""
    assert stairs(FRAME, [(0.0, 0.0), (5.0, 2.0)]) == "M0 100H500V0"


def test_the_ground_has_a_line_for_each_level_and_a_label_for_each_tick() -> None:
    """Every other label below gives way on narrow pages."""
    drawn = ground(FRAME, [Tick(1.0, "one")], [Tick(0.0, "a"), Tick(5.0, "b")])
    assert drawn.count('class="grid"') == 3
    assert 'class="tick between">b<' in drawn


def test_a_mark_says_what_it_stands_for() -> None:
    """When it is pointed at."""
    assert "<title>a &lt;signal&gt;</title>" in marked(FRAME, Mark(x=5.0, label="1", says="a <signal>"))
