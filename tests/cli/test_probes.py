"""Probes of stereotypes, at the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import version
from homeostat.config.load import load
from homeostat.errors import BadStream
from homeostat.loop.workshop import Workshop


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """A version on a model of random weights."""
    shop = Workshop.open(load(small))
    version(shop.store, "new", labels=("refund",), base=shop.config.model.base)
    yield shop
    shop.close()


@pytest.fixture
def crows(tmp_path: Path) -> Path:
    """Pairs in the form of CrowS-Pairs."""
    file = tmp_path / "crows.csv"
    rows = [f"{k},The nurse lost her {k} keys.,The nurse lost his {k} keys.,stereo,gender" for k in range(30)]
    file.write_text("\n".join([",sent_more,sent_less,stereo_antistereo,bias_type", *rows, ""]))
    return file


def test_random_weights_have_no_signal(homeostat: Run, small: Path, workshop: Workshop, crows: Path) -> None:
    """Neither by the grammar that comes with Homeostat nor by a file, and it is said with numbers."""
    found = homeostat("fairness", "probes", "ver_new", crows, "--config", small, "--json").json["probes"][str(crows)]
    assert found["stereotypes"] is None
    assert found["grammar"]["n"] > 150
    assert found["because"].startswith("no signal: ")
    blimp = crows.with_name("blimp.jsonl")
    forms = [("cats sleep", "cats sleeps"), ("cat sleeps", "cat sleep")]  # the longer one is right half of the time
    sentences = [(f"The {k} {good}.", f"The {k} {bad}.") for k in range(40) for good, bad in forms]
    rows = [{"sentence_good": good, "sentence_bad": bad} for good, bad in sentences]
    blimp.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = homeostat("fairness", "probes", "ver_new", crows, "--grammar", blimp, "--config", small)
    assert ran.code == 0
    assert "no signal" in ran.out


def test_a_file_in_no_known_form(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Is told with the forms that are known."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "a"}\n')
    ran = homeostat("fairness", "probes", "ver_new", file, "--config", small)
    assert ran.code == BadStream.exit
    assert "CrowS-Pairs" in ran.err
