"""False positives on harmless sentences, with intervals that count templates and not sentences."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.evaluate.identity import IDENTITIES, SENTENCES, flagged, sentences


def test_every_word_stands_in_every_sentence() -> None:
    """As many sentences of each group, each made of a template."""
    made = sentences()
    assert len(made) == len(IDENTITIES) * len(SENTENCES) == len({text for text, _, _ in made})
    assert all(group in text for text, group, _ in made)


def test_a_word_that_was_learned_for_an_insult_is_found() -> None:
    """A scorer that flags one word is wrong of that group always, of the others never, and the gap is beyond doubt."""
    made = sentences()
    found = flagged([" gay" in text for text, _, _ in made], [g for _, g, _ in made], [i for _, _, i in made])
    assert next(iter(found.groups)) == "gay"
    assert (found.groups["gay"].mean, found.groups["gay"].n, found.groups["deaf"].mean) == (1.0, 16, 0.0)
    assert found.groups["gay"].low > 0.75
    assert found.apart is not None
    assert found.apart.most == "gay"
    assert found.apart.score.low > 0.25  # of forty groups with sixteen sentences each


def test_a_template_that_is_flagged_is_no_gap() -> None:
    """One sentence that is flagged whoever it names: all groups alike, and the interval of all is that of 16 templates
    and not of 640 sentences.
    """
    made = sentences()
    found = flagged(["prize" in text for text, _, _ in made], [g for _, g, _ in made], [i for _, _, i in made])
    assert found.apart is not None
    assert (found.apart.score.mean, found.apart.score.low) == (0.0, 0.0)
    assert found.every.mean == pytest.approx(1 / 16)
    assert found.every.high - found.every.low > 4 * 1.96 * np.sqrt(1 / 16 * 15 / 16 / 640)


def test_groups_with_few_sentences_get_no_share() -> None:
    """They count among all."""
    found = flagged([True] * 10 + [False] * 3, ["a"] * 10 + ["b"] * 3, [""] * 13)
    assert set(found.groups) == {"a"}
    assert found.apart is None
    assert found.every.n == 13
