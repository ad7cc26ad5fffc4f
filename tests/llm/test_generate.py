"""Writing token by token: what the library's own loop writes, in a batch as alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import predict
from homeostat.llm.generate import generate
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered

PROMPTS = [(50, 51, 52, 53), (70,), tuple(range(80, 110)), (90, 91)]


@pytest.fixture(scope="module", params=["decoder", "seq2seq"])
def opened(request: pytest.FixtureRequest, decoder: Opened, t5: Path) -> Opened:
    return decoder if request.param == "decoder" else open_model(str(t5))


@torch.no_grad()
def test_it_writes_what_the_library_writes(opened: Opened) -> None:
    """Greedy tokens equal those of the library's `generate` for each prompt alone."""
    written = generate(opened, PROMPTS, most=12)
    for prompt, tokens in zip(PROMPTS, written.tokens, strict=True):
        ids = (*prompt, opened.tokenizer.eos_token_id) if opened.family == "seq2seq" else prompt
        own = opened.model.generate(input_ids=torch.tensor([ids]), max_new_tokens=12, do_sample=False)[0].tolist()
        assert tokens == own[1 if opened.family == "seq2seq" else len(prompt) :]


@torch.no_grad()
def test_a_batch_writes_what_each_row_writes_alone(opened: Opened) -> None:
    """Tokens, sureness, entropy and pooled states of a row do not depend on the rows beside it."""
    together = generate(opened, PROMPTS, most=9)
    for k, prompt in enumerate(PROMPTS):
        alone = generate(opened, [prompt], most=9)
        assert together.tokens[k] == alone.tokens[0]
        assert together.log_probability[k] == pytest.approx(alone.log_probability[0], abs=1e-4)
        assert together.entropy[k] == pytest.approx(alone.entropy[0], abs=1e-4)
        torch.testing.assert_close(together.pooled[k], alone.pooled[0], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_sureness_and_entropy_are_those_of_the_tokens(opened: Opened) -> None:
    """The mean log-probability and entropy of a reply equal those of a forward pass over the prompt and the reply."""
    written = generate(opened, PROMPTS, most=7)
    for k, prompt in enumerate(PROMPTS):
        predicted = predict(opened, [Rendered(prompt, tuple(written.tokens[k]))])
        logs = predicted.logits.log_softmax(-1)
        chosen = logs.gather(-1, predicted.target[:, None])
        assert written.log_probability[k] == pytest.approx(float(chosen.mean()), abs=1e-4)
        assert written.entropy[k] == pytest.approx(float(-(logs.exp() * logs).sum(-1).mean()), abs=1e-4)
        torch.testing.assert_close(written.pooled[k], predicted.pooled[0], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_row_that_has_ended_writes_no_more(decoder: Opened) -> None:
    """A row stops at the end mark, which counts as its last token, while the others go on."""
    free = generate(decoder, PROMPTS, most=12).tokens
    # Its third token becomes the end mark: the first row must stop there and the others where they meet it.
    mark = free[0][2]
    before, decoder.tokenizer.eos_token = decoder.tokenizer.eos_token, decoder.tokenizer.convert_ids_to_tokens(mark)
    try:
        stopped = generate(decoder, PROMPTS, most=12).tokens
    finally:
        decoder.tokenizer.eos_token = before
    for long, short in zip(free, stopped, strict=True):
        assert short == (long[: long.index(mark) + 1] if mark in long else long)
    assert len(stopped[0]) <= 3


@torch.no_grad()
def test_heat_draws_from_the_distribution(decoder: Opened) -> None:
    """At a temperature the tokens are drawn: the same for the same seed, and as often as their probability says."""
    prompts = [PROMPTS[0]] * 4000
    torch.manual_seed(0)
    first = generate(decoder, prompts, most=1, temperature=2.0).tokens
    torch.manual_seed(0)
    assert generate(decoder, prompts, most=1, temperature=2.0).tokens == first
    logits = predict(decoder, [Rendered(PROMPTS[0], (0,))]).logits[0]
    wanted = (logits / 2.0).softmax(-1)
    top = int(wanted.argmax())
    share = sum(tokens == [top] for tokens in first) / len(first)
    assert share == pytest.approx(float(wanted[top]), abs=0.03)


def test_an_encoder_cannot_write(bert: Path) -> None:
    """An encoder asked for text raises an error that says what to use."""
    with pytest.raises(UnsuitedModel, match="cannot write replies"):
        generate(open_model(str(bert)), PROMPTS, most=3)
