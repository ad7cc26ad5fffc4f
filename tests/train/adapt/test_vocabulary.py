"""New tokens: texts get shorter and none longer, old rows stay, the model goes on where it was, and new rows learn."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

import tiny
from homeostat.builtin import resources
from homeostat.errors import UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.forward import predict
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Rendered
from homeostat.stats.intervals import mean_interval
from homeostat.train.adapt.vocabulary import NewWords, extend, find
from homeostat.train.samples import Sample
from shown import Shown
from train.adapt.conftest import Learn

TERMS = ["hydraulic", "manifold", "actuator", "cavitation", "impeller", "solenoid", "viscosity", "bearing"]


def texts(count: int, seed: int) -> list[str]:
    """Sentences of a domain: its terms among words that the tokenizer knows."""
    draw = random.Random(seed)
    return [" ".join(draw.choices(TERMS, k=2) + draw.choices(tiny.FILLER, k=4)) for _ in range(count)]


def ids(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def samples(tokenizer: Any, texts: Sequence[str]) -> list[Sample]:
    """Texts to go on with from their first token."""
    rows = [ids(tokenizer, text)[:500] for text in texts]
    return [Sample(Rendered(row[:1], row[1:])) for row in rows]


def nats_per_character(opened: Opened, texts: Sequence[str]) -> float:
    """What the model pays for texts, whatever pieces they are cut into."""
    paid = 0.0
    with torch.no_grad():
        for sample in samples(opened.tokenizer, texts):
            predicted = predict(opened, [sample.rendered])
            paid -= float(predicted.logits.log_softmax(-1).gather(1, predicted.target[:, None]).sum())
    return paid / sum(len(text) for text in texts)


@pytest.fixture
def grown(base: str, draw: int) -> Opened:
    """The tiny decoder with sixty tokens of the domain."""
    opened = open_model(base)
    return extend(opened, find(opened.tokenizer, texts(200, 10 * draw), 60))


def test_texts_get_shorter_and_none_longer(grown: Opened, base: str, draw: int, shown: Shown) -> None:
    """On texts that nobody has seen there are far more than 15 % fewer tokens a character, no text has more, and every
    one can be read back; texts of other words are cut as before.
    """
    old, unseen = open_model(base).tokenizer, texts(100, 10 * draw + 1)
    before, after = ([len(ids(tokenizer, text)) for text in unseen] for tokenizer in (old, grown.tokenizer))
    shorter = mean_interval([1 - new / old for new, old in zip(after, before, strict=True)])
    shown.within("share of the tokens of an unseen text that is saved", shorter, least=0.35, unit="texts")
    other = [" ".join(words) for words in tiny.WORDS.values()]
    assert all(len(ids(grown.tokenizer, text)) <= len(ids(old, text)) for text in (*unseen, *other, "Größe 円 🤖"))
    assert all(grown.tokenizer.decode(ids(grown.tokenizer, text)) == text for text in (*unseen, *other))
    assert grown.tokenizer.get_vocab().items() > old.get_vocab().items()
    assert (grown.tokenizer.pad_token, grown.tokenizer.model_max_length) == (old.pad_token, old.model_max_length)


def test_what_shortens_most_comes_first(base: str) -> None:
    """The first token found takes away as many tokens as any can, each is made of two that come before it, and what
    is too rare makes none.
    """
    old, seen = open_model(base).tokenizer, texts(200, 0)
    found = find(old, seen, 500)
    assert len(found) < 500
    assert find(old, seen, 5) == found[:5]
    known = set(old.get_vocab())
    for token in found:
        assert token not in known
        assert any(token[:k] in known and token[k:] in known for k in range(1, len(token)))
        known.add(token)
    assert {"Ġ" + term for term in TERMS} <= known
    assert find(old, seen[:5], 10, least=50) == []


@pytest.mark.parametrize("tied", [True, False])
def test_new_rows_begin_at_their_pieces(tied: bool, base: str, tmp_path: Path) -> None:
    """Every new row is the mean of the rows of the old pieces, to read and to write by; old rows are the same, bit by
    bit, and the old tokens' logits after texts without new ones to 1e-5.
    """
    opened = open_model(base)
    if not tied:
        opened.model.config.tie_word_embeddings = False
        head = opened.model.lm_head
        head.weight = torch.nn.Parameter(torch.randn_like(head.weight))
    tables = {"get_input_embeddings", "get_output_embeddings"}
    before = {name: getattr(opened.model, name)().weight.detach().clone() for name in tables}
    row = [Rendered(ids(opened.tokenizer, "hello money back"), (0,))]
    with torch.no_grad():
        said = predict(opened, row).logits
        found = find(opened.tokenizer, texts(200, 0), 60)
        pieces = [ids(opened.tokenizer, token.replace("Ġ", " ")) for token in found]
        made = extend(opened, found)
        torch.testing.assert_close(predict(made, row).logits[:, : said.shape[1]], said, rtol=0, atol=1e-5)
    for name, old in before.items():
        table = getattr(made.model, name)().weight.detach()
        assert torch.equal(table[: len(old)], old)
        assert len(table) == len(old) + len(found) == made.model.config.vocab_size
        assert torch.allclose(table[len(old) :], torch.stack([old[list(part)].mean(0) for part in pieces]))


def test_a_trained_model_goes_on_where_it_was() -> None:
    """The built-in model pays within 5 % as much for a character of support texts, before a single step, with a hundred
    new tokens that shorten them by almost a tenth: everyday English has few words that it does not know.
    """
    with gzip.open(resources.traffic_path(), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    seen, unseen = [row["reply"] for row in rows[:600]], [row["reply"] for row in rows[-25:]]
    opened = open_model("builtin")
    before = nats_per_character(opened, unseen)
    made = extend(opened, find(opened.tokenizer, seen, 100))
    assert nats_per_character(made, unseen) == pytest.approx(before, rel=0.05)
    old, new = (sum(len(ids(t, text)) for text in unseen) for t in (opened.tokenizer, made.tokenizer))
    assert new < 0.92 * old


def test_new_rows_learn_alone(grown: Opened, base: str, learn: Learn, tmp_path: Path) -> None:
    """Trained to go on with texts of the domain, the loss falls; the rows of new tokens and of labels have moved, and
    everything else is what it was, bit by bit; saved, it opens as the extended base's weights.
    """
    old = open_model(base)
    first, before = len(old.tokenizer), {n: p.detach().clone() for n, p in old.model.named_parameters()}
    way = NewWords(first=first, count=len(grown.tokenizer) - first)
    grown.model.save_pretrained(tmp_path / "base")
    grown.tokenizer.save_pretrained(tmp_path / "base")
    losses = learn(grown, way, 12, 1e-2, samples(grown.tokenizer, texts(16, 0)))
    assert losses[-1] < 0.9 * losses[0]
    labels = {s[0] for s in encode_labels(old.tokenizer, tiny.LABELS).sequences}
    rows = [token for token in range(first) if token not in labels]
    for name, tensor in grown.model.named_parameters():
        if name == "model.embed_tokens.weight":
            assert torch.equal(tensor[rows], before[name][rows])
            assert not torch.equal(
                tensor[first:], extend(old, find(old.tokenizer, texts(200, 0), 60)).model.lm_head.weight[first:]
            )
        else:
            assert torch.equal(tensor, before[name]), name
    way.save(grown.model, tmp_path / "weights")
    again = open_model(str(tmp_path / "base"), tmp_path / "weights")
    row = samples(grown.tokenizer, texts(1, 3))[0].rendered
    with torch.no_grad():
        assert torch.equal(predict(again, [row]).logits, predict(grown, [row]).logits)


def test_decay_spares_old_rows(grown: Opened) -> None:
    """Nothing pulls the tables, and they are all that is trained."""
    way = NewWords(first=480, count=len(grown.tokenizer) - 480)
    parameters = way.attach(grown.model)
    assert [id(p) for p in parameters] == [id(grown.model.get_input_embeddings().weight)]
    assert [tempo.decays for tempo in way.tempi(grown.model)] == [False]
    assert [p for p in grown.model.parameters() if p.requires_grad] == parameters


def test_an_extended_model_is_a_base(grown: Opened, tmp_path: Path) -> None:
    """Saved with its tokenizer it is served as any base, and cuts texts as it did."""
    grown.model.save_pretrained(tmp_path)
    grown.tokenizer.save_pretrained(tmp_path)
    backend = LocalBackend(str(tmp_path))
    tokenizer = backend.renderer.tokenizer
    assert all(ids(tokenizer, text) == ids(grown.tokenizer, text) for text in texts(20, 2))
    reply = backend.reply(
        [Request(task=replace(tiny.ROUTING, labels=tiny.LABELS), text="the impeller leaks", version="")]
    )
    assert reply[0].text in tiny.LABELS


def test_marks_that_only_the_tokenizer_knows_keep_their_ids() -> None:
    """A tokenizer whose marks were added behind its vocabulary, as Llama's, keeps their ids, and what somebody said
    still becomes none of them.
    """
    old = PreTrainedTokenizerFast(
        tokenizer_object=tiny._byte_pairs([], 400), eos_token="<|end|>", pad_token="<|pad|>", model_max_length=128
    )
    found = find(old, texts(100, 0), 20)
    model = tiny.LlamaForCausalLM(tiny.LlamaConfig(vocab_size=len(old), hidden_size=32, num_hidden_layers=1))
    made = extend(Opened(model=model, tokenizer=old, family="decoder"), found).tokenizer
    assert made.eos_token_id == old.eos_token_id == 400
    assert made("hydraulic<|end|>", add_special_tokens=False)["input_ids"][-1] == 400
    assert 400 not in ids(made, "hydraulic<|end|>")


def test_what_cannot_be_extended(base: str) -> None:
    """A tokenizer of another kind, and a token without its parts, have their error."""
    whole = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")))
    with pytest.raises(UnsuitedModel, match="WordPiece"):
        find(whole, ["a"], 1)
    with pytest.raises(UnsuitedModel, match="not made of two"):
        extend(open_model(base), ["Ġhydraulic"])
