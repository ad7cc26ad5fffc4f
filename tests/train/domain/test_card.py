"""What a base says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from homeostat.train.domain.card import told, write_card
from homeostat.train.domain.cost import Cost
from homeostat.train.domain.pretrain import Ahead, Read, Reading
from train.domain.conftest import RECIPE

AHEAD = Ahead(documents=30, held_out=2, tokens=900, windows=9, replayed=0.2, padding=0.001, steps=3, flops=1e9)
BEFORE, AFTER = Cost((20.0, 60.0), (5, 5), (10, 20)), Cost((10.0, 40.0), (5, 5), (10, 20))
READING = Reading(base="builtin", domain=("a", "b"), recipe=RECIPE, workspace=Path("run"))


def read(*, general: bool) -> Read:
    pair = (AFTER, BEFORE) if general else None
    return Read(ahead=AHEAD, words=("Ġpump",), domain=(BEFORE, AFTER), general=pair, cost={"flops": 1e9, "steps": 3.0})


def test_figures_have_their_interval() -> None:
    """Perplexity and bits a character before and after, the rise between with its interval, of the domain and, where
    there are such, of general texts.
    """
    figures = told(READING, read(general=True))
    assert figures["domain"]["rise"] == pytest.approx(-1.0)
    assert figures["domain"]["rise_low"] <= -1.0 <= figures["domain"]["rise_high"]
    assert figures["general"]["rise"] == pytest.approx(1.0)
    assert figures["domain"]["perplexity_before"] == pytest.approx(2.0**8)
    assert figures["domain"]["bits"] == pytest.approx(50 / 30)
    assert (figures["new_words"], figures["documents"], figures["steps"]) == (1, 30, 3.0)
    assert "general" not in told(READING, read(general=False))


def test_the_card_names_the_base_and_what_was_read(tmp_path: Path) -> None:
    """Its head is YAML that names the base; below stand the sources, the figures and the recipe, and no folder."""
    write_card(tmp_path, READING, ["contracts.txt", "log:routing"], told(READING, read(general=True)))
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(text.split("---")[1])
    assert head["base_model"] == "builtin"
    assert "contracts.txt, log:routing" in text
    assert "| domain, perplexity | 256.00 | 32.00 | -1.000" in text
    about = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    assert about["recipe"]["name"] == "domain"
    assert about["tokens"] == 900
    assert str(tmp_path) not in text
