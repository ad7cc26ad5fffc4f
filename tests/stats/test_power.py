"""The power formula gives the published table, and the rows it asks for have the power it promises."""

import numpy as np
import pytest

from homeostat.stats.paired import mcnemar_superiority
from homeostat.stats.power import needed, shown

# By simulation: discordance -> rows at 80 % and 90 % power, per (gain, margin).
COLUMNS = [(0.02, 0), (0.03, 0), (0.05, 0), (0, 0.01), (0, 0.02), (0, 0.03), (0.01, 0.02), (0.02, 0.02)]
AT_80 = {
    0.05: [767, 337, 117, 3091, 773, 343, 343, 192],
    0.10: [1539, 681, 241, 6183, 1546, 687, 686, 385],
    0.20: [3085, 1368, 488, 12365, 3091, 1374, 1373, 771],
}
AT_90 = {
    0.05: [1062, 467, 163, 4282, 1070, 476, 475, 265],
    0.10: [2132, 943, 334, 8564, 2141, 952, 951, 533],
    0.20: [4273, 1895, 677, None, 4282, 1903, None, 1068],
}


@pytest.mark.parametrize(("power", "table"), [(0.8, AT_80), (0.9, AT_90)])
def test_needed_is_the_table(power, table):
    """Every entry of the table, to the row."""
    for discordance, row in table.items():
        for (gain, margin), expected in zip(COLUMNS, row, strict=True):
            if expected is not None:
                assert needed(discordance, gain, margin, power=power) == expected


def test_needed_gives_the_promised_power_to_the_exact_test():
    """With that many rows, four in five real gains of 5 points are called superior."""
    n = needed(0.2, 0.05, 0.0)
    counts = np.random.default_rng(0).multinomial(n, [0.125, 0.075, 0.8], size=2000)

    found = np.mean([mcnemar_superiority(int(w), int(x)) <= 0.05 for w, x, _ in counts])

    assert 0.74 <= found <= 0.84


@pytest.mark.parametrize(
    ("discordance", "gain", "margin"), [(0.05, 0.06, 0.0), (0.0, 0.0, 0.02), (0.1, 0.0, 0.0), (0.1, -0.03, 0.02)]
)
def test_needed_refuses_what_no_number_of_rows_can_show(discordance, gain, margin):
    """A gain larger than the discordance, or a difference at or below the margin."""
    with pytest.raises(ValueError, match="gain"):
        needed(discordance, gain, margin)


@pytest.mark.parametrize("discordance", AT_80)
def test_shown_is_the_table_read_backwards(discordance):
    """The rows that a margin asks for show that margin, and no tighter one."""
    assert shown(needed(discordance, 0.0, 0.02), discordance) == pytest.approx(0.02, rel=1e-3)
    assert shown(400, discordance) == pytest.approx(shown(100, discordance) / 2)


@pytest.mark.parametrize(("rows", "discordance"), [(0, 0.1), (100, 0.0), (100, 1.1)])
def test_shown_refuses_nothing_to_go_by(rows, discordance):
    """No rows, or a discordance that is no share."""
    with pytest.raises(ValueError, match="show nothing"):
        shown(rows, discordance)
