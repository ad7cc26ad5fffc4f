"""`homeostat memory`: what a version takes to answer, measured, told and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.config.load import load
from homeostat.errors import EmptyStream, NotFound
from homeostat.loop.workshop import Exam, Workshop


@pytest.mark.slow
def test_memory_is_measured_and_kept(homeostat: Run, small: Path) -> None:
    """Three processes of its own, more bytes than the weights have; the detail, the card and the comparison with
    another version know it afterwards.
    """
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=("refund",))
    version(shop.store, "new", labels=("refund", "delivery"), time=START + 60)
    shop.put_suite("routing", [Exam(text=f"row {k}", target="refund", time=START) for k in range(20)])
    shop.close()
    held = homeostat("memory", "ver_new", "--json", "--config", small).json["memory"]
    assert (held["peak"]["n"], held["requests"]) == (3, 20)
    assert held["base"] < held["steps"]["loaded"]["mean"] <= held["peak"]["mean"]
    assert "while it answered 20 requests" in homeostat("card", "ver_new", "--config", small).out
    told = homeostat("diff", "ver_new", "ver_old", "--json", "--config", small).json["memory"]
    assert told["peak, memory"][0]["mean"] == held["peak"]["mean"]
    found = homeostat("eval", "ver_new", "--detail", "--json", "--config", small).json
    assert found["mine"]["memory"] == held
    assert found["other"]["memory"] is None


def test_what_cannot_be_measured(homeostat: Run, small: Path) -> None:
    """A version that there is not, and one whose task has no test rows yet."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=("refund",))
    shop.close()
    assert homeostat("memory", "ver_gone", "--config", small).code == NotFound.exit
    assert homeostat("memory", "ver_old", "--config", small).code == EmptyStream.exit
