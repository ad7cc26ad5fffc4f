"""One forward pass for every family: the right logits at the right places, whatever stands beside a row."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import mean_over, pad, places, predict
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered

ROWS = [
    Rendered((50, 51, 52, 53), (60, 61, 62)),
    Rendered((70, 71), (63,)),
    Rendered((80, 81, 82, 83, 84, 85, 86), (64, 65)),
]


def close(ours: torch.Tensor, own: torch.Tensor) -> None:
    torch.testing.assert_close(ours, own, rtol=1e-4, atol=1e-4)


def test_filling_up() -> None:
    """Rows are filled at the right or at the left, and the mask says where."""
    ids, mask = pad([(1, 2, 3), (4,)], 9, "cpu")
    assert ids.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    ids, mask = pad([(1, 2, 3), (4,)], 9, "cpu", left=True)
    assert ids.tolist() == [[1, 2, 3], [9, 9, 4]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 1]]


def test_tokens_are_found_among_labels() -> None:
    """By where they stand, in whatever order, once or often."""
    assert places(torch.tensor([9, 4, 9, 7]), torch.tensor([4, 9, 7])).tolist() == [1, 0, 1, 2]


def test_a_mean_leaves_out_what_is_outside() -> None:
    """Only places inside count, also where what is outside is no number."""
    hidden = torch.tensor([[[1.0], [3.0], [float("nan")]]])
    assert mean_over(hidden, torch.tensor([[True, True, False]])).tolist() == [[2.0]]


@torch.no_grad()
def test_a_decoder_predicts_what_its_own_forward_pass_does(decoder: Opened) -> None:
    """Logits at the places before each completion token equal `model(...).logits` of the row alone."""
    predicted = predict(decoder, ROWS)
    own = [decoder.model(input_ids=torch.tensor([r.ids])).logits[0, len(r.prompt) - 1 : -1] for r in ROWS]
    close(predicted.logits, torch.cat(own))
    assert predicted.row.tolist() == [0, 0, 0, 1, 2, 2]
    assert predicted.target.tolist() == [60, 61, 62, 63, 64, 65]


@torch.no_grad()
def test_pooled_states_see_the_prompt_alone(decoder: Opened) -> None:
    """The pooled state of a row is the mean over its prompt, the same with another completion and other rows."""
    hidden = decoder.model.base_model(input_ids=torch.tensor([ROWS[0].prompt])).last_hidden_state[0].mean(0)
    close(predict(decoder, ROWS).pooled[0], hidden)
    close(predict(decoder, [Rendered(ROWS[0].prompt, (7,))]).pooled[0], hidden)


@torch.no_grad()
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_an_encoder_predicts_at_its_mask(family: str, tmp_path: Path) -> None:
    """One token is predicted where the mask stands behind the prompt, as by the encoder's own forward pass."""
    opened = open_model(str(getattr(tiny, family)(tmp_path)))
    rows = [Rendered(r.prompt, (60,)) for r in ROWS]
    predicted = predict(opened, rows)
    for k, row in enumerate(rows):
        ids = torch.tensor([[2, *row.prompt, 4, 3]])
        close(predicted.logits[k], opened.model(input_ids=ids).logits[0, len(row.prompt) + 1])
        hidden = opened.model.base_model(input_ids=ids).last_hidden_state[0, 1:-2].mean(0)
        close(predicted.pooled[k], hidden)


def test_an_encoder_writes_no_replies(bert: Path) -> None:
    """More than one token to predict is refused, with what to do instead."""
    with pytest.raises(UnsuitedModel, match="use a decoder"):
        predict(open_model(str(bert)), ROWS)


@torch.no_grad()
@pytest.mark.parametrize("tied", [True, False])
def test_a_sequence_to_sequence_model_predicts_what_its_own_forward_pass_does(tied: bool, tmp_path: Path) -> None:
    """Logits of its decoder equal `model(...).logits`, whether the hidden states are scaled before the head or not."""
    opened = open_model(str(tiny.t5(tmp_path, tied=tied)))
    predicted = predict(opened, ROWS)
    own = []
    for row in ROWS:
        given = torch.tensor([[0, *row.completion[:-1]]])
        own.append(opened.model(input_ids=torch.tensor([[*row.prompt, 1]]), decoder_input_ids=given).logits[0])
    close(predicted.logits, torch.cat(own))
    source = opened.model.get_encoder()(input_ids=torch.tensor([[*ROWS[1].prompt, 1]])).last_hidden_state
    close(predicted.pooled[1], source[0, :2].mean(0))
