"""What methods are given: examples and names with the places of their labels, and a base that reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.errors import NothingToTrainOn, UnknownLabel
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.train.adapt.lora import Lora
from homeostat.train.few.shots import Reader, Shots

EXAMPLES = [("where is my parcel", "late_delivery"), ("money back", "refund"), ("still waiting", "late_delivery")]


def test_a_name_is_one_more_example() -> None:
    """What a label is called, as words, stands behind the examples; without names the examples stand alone."""
    shots = Shots.of(EXAMPLES)
    assert shots.labels == ("late_delivery", "refund")
    assert shots.texts[3:] == ("late delivery", "refund")
    assert shots.at == (0, 1, 0, 0, 1)
    assert Shots.of(EXAMPLES, names=False).at == (0, 1, 0)


def test_labels_may_have_no_example() -> None:
    """Labels that are given keep their order, and their names alone will do."""
    assert Shots.of(EXAMPLES, ("refund", "late_delivery", "other")).at == (1, 0, 1, 0, 1, 2)
    assert Shots.of([], ("refund", "late_delivery")).texts == ("refund", "late delivery")


def test_what_cannot_be_learned_from_is_refused() -> None:
    """A label that nobody named, a single label, none, and one that nothing is known of are told, each with a fix."""
    with pytest.raises(UnknownLabel, match="'late_delivery' is not in the label set") as unknown:
        Shots.of(EXAMPLES, ("late_deliverey", "refund"))
    assert "late_deliverey" in unknown.value.fix
    for few in (EXAMPLES[:1], []):
        with pytest.raises(NothingToTrainOn, match="nothing to tell apart"):
            Shots.of(few)
    with pytest.raises(NothingToTrainOn, match="nothing is known of label 'other'"):
        Shots.of(EXAMPLES, ("late_delivery", "refund", "other"), names=False)


def test_a_reader_sees_the_state_behind_a_text(llama: Path) -> None:
    """The state from which a reply would begin, whatever texts are read beside; an instruction changes it."""
    opened = open_model(str(llama))
    reader = Reader(opened, "route")
    texts = ["where is my parcel", "money", "where is my parcel"]
    states = reader.states(texts)
    row = Renderer(opened.tokenizer).example(tiny.ROUTING, texts[0], (0,))
    with torch.no_grad():
        wanted = predict(opened, [row]).states[0].double().numpy()
    np.testing.assert_allclose(states[0], wanted, atol=1e-5)
    np.testing.assert_array_equal(states[0], states[2])
    assert np.abs(Reader(opened).states(texts) - states).max() > 1e-3
    assert reader.states([]).shape == (0, 48)


def test_known_texts_are_not_read(llama: Path) -> None:
    """What is known of a text is taken as it is; reading puts nothing there."""
    reader = Reader.of(str(llama))
    reader.known["a"] = np.ones(48, np.float32)
    states = reader.states(["a", "b"])
    np.testing.assert_array_equal(states[0], np.ones(48))
    assert list(reader.known) == ["a"]
    assert states.dtype == np.float64


def test_a_reader_with_an_adapter(llama: Path, tmp_path: Path) -> None:
    """It reads with the adapter on, and the base beside it as before."""
    opened = open_model(str(llama))
    for tensor in Lora(rank=2).attach(opened.model):
        tensor.data += 0.1
    Lora().save(opened.model, tmp_path)
    plain, worn = Reader.of(str(llama)), Reader.of(str(llama), adapter=tmp_path)
    np.testing.assert_allclose(worn.states(["a text"]), Reader(opened).states(["a text"]), atol=1e-5)
    assert np.abs(worn.states(["a text"]) - plain.states(["a text"])).max() > 1e-3
