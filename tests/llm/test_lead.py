"""Leads: one that is made of tokens is read as these tokens, in every family and by everybody who reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import Gemma2Config, Gemma2ForCausalLM, GPT2Config, GPT2LMHeadModel

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import predict
from homeostat.llm.generate import generate
from homeostat.llm.labels import encode_labels
from homeostat.llm.lead import (
    Lead,
    Rows,
    States,
    embed,
    lead_of,
    lead_places,
    opening,
    put_lead,
    take_lead,
    try_lead,
    use_lead,
)
from homeostat.llm.load import Opened, open_model
from homeostat.llm.network import states
from homeostat.llm.render import Rendered
from homeostat.llm.trie import trie_scores

AHEAD = (50, 51, 52, 53)
PROMPTS = ((60, 61), (70, 71, 72, 73, 74), (80,))
Make = Callable[[Any, Tensor], Lead]


def rows(model: Any, read: Tensor) -> Lead:
    return Rows(read.clone())


KINDS = [pytest.param(rows, id="rows"), pytest.param(States.of, id="states")]


def gemma2(folder: Path) -> Path:
    """A decoder that scales what it reads, caps its logits, and in every second layer sees 64 places at most."""
    tokenizer = tiny.chat_tokenizer()
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=64,
        initializer_range=0.2,
    )
    return tiny._save(folder, Gemma2ForCausalLM(config), tokenizer)


def gpt2(folder: Path) -> Path:
    """A decoder that adds up learned rows for tokens and places."""
    tokenizer = tiny.chat_tokenizer()
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=96, initializer_range=0.2
    )
    return tiny._save(folder, GPT2LMHeadModel(config), tokenizer)


@pytest.fixture(scope="module", params=["llama", "gpt2", "gemma2"])
def decoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Decoders that place tokens in different ways."""
    make = {"llama": tiny.llama, "gpt2": gpt2, "gemma2": gemma2}[request.param]
    return open_model(str(make(tmp_path_factory.mktemp(request.param))))


def lay(opened: Opened, make: Make, name: str = "ver_one", tokens: tuple[int, ...] = AHEAD) -> Lead:
    """A lead that says what these tokens say, switched on."""
    with torch.no_grad():
        lead = make(opened.model, embed(opened.model, torch.tensor(tokens)))
    put_lead(opened.model, name, lead)
    use_lead(opened.model, name)
    return lead


def bare(opened: Opened) -> Opened:
    """The same model with no lead switched on."""
    use_lead(opened.model, "")
    return opened


@pytest.mark.parametrize("make", KINDS)
@torch.no_grad()
def test_a_decoder_reads_it_as_the_tokens(decoder: Opened, make: Make) -> None:
    """Logits at every completion place, of rows of different lengths, are those behind the tokens, to 1e-4."""
    behind = [Rendered((*AHEAD, *p), (60, 61, 62)) for p in PROMPTS]
    wanted = predict(bare(decoder), behind).logits
    lay(decoder, make)
    got = predict(decoder, [Rendered(p, (60, 61, 62)) for p in PROMPTS])
    torch.testing.assert_close(got.logits, wanted, rtol=0, atol=1e-4)
    assert (predict(bare(decoder), [Rendered(p, (60, 61, 62)) for p in PROMPTS]).logits - wanted).abs().max() > 0.05


@pytest.mark.parametrize("make", KINDS)
@torch.no_grad()
def test_what_is_pooled_is_the_prompt(decoder: Opened, make: Make) -> None:
    """The mean over the prompt leaves out the lead, in one pass and in writing."""
    use_lead(decoder.model, "")
    ids = torch.tensor([[*AHEAD, *PROMPTS[1]]])
    wanted = states(decoder.model, ids, torch.ones_like(ids))[0, len(AHEAD) :].mean(0)
    lay(decoder, make)
    for pooled in (
        predict(decoder, [Rendered(p, (0,)) for p in PROMPTS]).pooled,
        generate(decoder, PROMPTS, most=1).pooled,
    ):
        torch.testing.assert_close(pooled[1], wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("make", KINDS)
@torch.no_grad()
def test_a_decoder_writes_behind_it(decoder: Opened, make: Make) -> None:
    """Twelve tokens behind it, in a batch of unequal lengths, are those behind the tokens, and as sure."""
    wanted = generate(bare(decoder), [(*AHEAD, *p) for p in PROMPTS], most=12)
    lay(decoder, make)
    got = generate(decoder, PROMPTS, most=12)
    assert got.tokens == wanted.tokens
    assert got.log_probability == pytest.approx(wanted.log_probability, abs=1e-4)


@pytest.mark.parametrize("make", KINDS)
@torch.no_grad()
def test_labels_that_are_spelled_out_are_scored_behind_it(decoder: Opened, make: Make) -> None:
    """The trie gives each label what it has behind the tokens, to 1e-4."""
    codes = encode_labels(decoder.tokenizer, ["pump", "pump noise", "late delivery"], alias=False)
    wanted, _ = trie_scores(bare(decoder), [(*AHEAD, *p) for p in PROMPTS], codes.trie(), 3)
    lay(decoder, make)
    got, _ = trie_scores(decoder, PROMPTS, codes.trie(), 3)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("family", ["bert", "roberta"])
@torch.no_grad()
def test_an_encoder_reads_it_as_the_tokens(family: str, tmp_path: Path) -> None:
    """Rows stand before all that an encoder reads, its first mark included; filler at the end changes nothing."""
    opened = open_model(str(getattr(tiny, family)(tmp_path)))
    read = torch.tensor([[2, 60, 61, 4, 3], [2, 70, 4, 3, opened.tokenizer.pad_token_id]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])
    ahead = torch.tensor(AHEAD).expand(2, -1)
    wanted = states(opened.model, torch.cat([ahead, read], 1), torch.cat([torch.ones_like(ahead), mask], 1))
    lay(opened, rows)
    got = states(opened.model, read, mask)
    torch.testing.assert_close(got[mask.bool()], wanted[:, len(AHEAD) :][mask.bool()], rtol=0, atol=1e-4)


@torch.no_grad()
def test_a_sequence_to_sequence_model_reads_it_as_the_tokens(t5: Path) -> None:
    """Rows stand before what the encoder reads, and the decoder looks at them too, predicting and writing."""
    opened = open_model(str(t5))
    behind = [(*AHEAD, *p) for p in PROMPTS]
    wanted = predict(opened, [Rendered(p, (60, 61)) for p in behind]).logits
    written = generate(opened, behind, most=6).tokens
    lay(opened, rows)
    torch.testing.assert_close(
        predict(opened, [Rendered(p, (60, 61)) for p in PROMPTS]).logits, wanted, rtol=0, atol=1e-4
    )
    assert generate(opened, PROMPTS, most=6).tokens == written


@pytest.mark.parametrize("make", KINDS)
def test_it_gets_the_gradient_and_nothing_else_does(decoder: Opened, make: Make) -> None:
    """With the model frozen, the loss has a gradient at every number of the lead."""
    decoder.model.requires_grad_(False)
    lead = lay(decoder, make).requires_grad_(True)
    torch.autograd.backward(predict(decoder, [Rendered(p, (60,)) for p in PROMPTS]).logits.square().mean())
    assert all(t.grad is not None and t.grad.abs().amax(-1).min() > 0 for t in lead.parameters())
    assert all(t.grad is None for n, t in decoder.model.named_parameters() if not n.startswith("leads."))


@pytest.mark.parametrize("make", KINDS)
@torch.no_grad()
def test_reading_does_not_change_it(decoder: Opened, make: Make) -> None:
    """Asked twice, it says the same, and its tensors are what they were, bit by bit."""
    lead = lay(decoder, make)
    before = [t.clone() for t in lead.parameters()]
    said = [generate(decoder, PROMPTS, most=4).tokens for _ in range(2)]
    assert said[0] == said[1]
    assert all(torch.equal(a, b) for a, b in zip(before, lead.parameters(), strict=True))


@torch.no_grad()
def test_one_is_switched_on_or_none(decoder: Opened) -> None:
    """Of several leads the one that is named is read; a name that is none's switches all off; one can be taken away."""
    asked = [Rendered(p, (60,)) for p in PROMPTS]
    plain = predict(bare(decoder), asked).logits
    one, two = lay(decoder, rows, "ver_one"), lay(decoder, rows, "ver_two", (90, 91))
    said = {}
    for name, lead in {"ver_one": one, "ver_two": two, "ver_none": None}.items():
        use_lead(decoder.model, name)
        assert lead_of(decoder.model) is lead
        said[name] = predict(decoder, asked).logits
    assert torch.equal(said["ver_none"], plain)
    assert (said["ver_one"] - said["ver_two"]).abs().max() > 0.05
    assert [lead_places(decoder.model, name) for name in said] == [4, 2, 0]
    use_lead(decoder.model, "ver_two")
    take_lead(decoder.model, "ver_two")
    take_lead(decoder.model, "ver_two")
    assert lead_of(decoder.model) is None
    assert torch.equal(predict(decoder, asked).logits, plain)


def test_a_model_without_any_is_read_as_before(decoder: Opened) -> None:
    """The body is called with the tokens and their mask, and with positions where they are given."""
    ids, mask = torch.tensor([[5, 6]]), torch.ones(1, 2, dtype=torch.int64)
    start = opening(bare(decoder).model, ids, mask)
    assert (set(start.given), start.behind) == ({"input_ids", "attention_mask"}, 0)
    assert set(opening(decoder.model, ids, mask, ids).given) == {"input_ids", "attention_mask", "position_ids"}


def test_who_cannot_have_one(decoder: Opened, tmp_path: Path) -> None:
    """Keys and values are for decoders: an encoder and a sequence-to-sequence model are told what to use instead."""
    for kind in (Rows, States):
        try_lead(decoder.model, kind)
    for make in (tiny.bert, tiny.t5):
        opened = open_model(str(make(tmp_path / make.__name__)))
        try_lead(opened.model, Rows)
        with pytest.raises(UnsuitedModel, match="only a decoder"):
            try_lead(opened.model, States)


def test_a_model_that_reads_in_its_own_way_is_refused(llama: Path) -> None:
    """Where rows are not read as the tokens that have them, no lead is trained that would not mean what it says."""
    model = open_model(str(llama)).model

    def louder(module: Any, given: Any, read: Tensor) -> Tensor:
        return read * torch.linspace(1.0, 3.0, read.shape[-1])

    def quieter(module: Any, given: Any, more: dict[str, Any]) -> Any:
        if more.get("inputs_embeds") is not None:
            more["inputs_embeds"] = more["inputs_embeds"].flip(-1)
        return given, more

    model.get_input_embeddings().register_forward_hook(louder)
    model.base_model.register_forward_pre_hook(quieter, with_kwargs=True)
    with pytest.raises(UnsuitedModel, match="not known here"):
        try_lead(model, Rows)


def test_layers_of_different_shapes(llama: Path) -> None:
    """A cache whose layers do not all hold keys and values of one shape is refused."""
    model = open_model(str(llama)).model
    attention = model.model.layers[1].self_attn
    for name in ("k_proj", "v_proj"):
        wide = getattr(attention, name)
        setattr(attention, name, torch.nn.Linear(wide.in_features, 2 * wide.out_features, bias=False))
    attention.num_key_value_groups = 1
    with pytest.raises(UnsuitedModel, match="one shape"):
        States.of(model, torch.zeros(1, 48))


def test_keys_and_values_are_not_learned_without_a_cache(llama: Path) -> None:
    """Transformers computes activations twice without any cache, so that would train nothing; it is refused."""
    opened = open_model(str(llama))
    lay(opened, States.of)
    opened.model.gradient_checkpointing_enable({"use_reentrant": False})
    opened.model.train()
    with pytest.raises(UnsuitedModel, match="save_memory"):
        predict(opened, [Rendered((60,), (61,))])
