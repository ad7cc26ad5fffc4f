"""A base that has read a domain: what it gained there, what it kept, and that it can be killed, saved and served."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import tiny
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.domain.cost import cost, rise
from homeostat.train.domain.pretrain import Read, Reading, foresee, pretrain
from homeostat.train.domain.texts import pieces
from homeostat.types.report import Score
from shown import Shown
from train.domain.conftest import RECIPE, domain, general

Make = Callable[..., Reading]


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def schooled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny decoder that has read general texts, as every base has."""
    folder = tmp_path_factory.mktemp("schooled")
    raw = tiny.llama(folder / "raw")
    reading = Reading(base=str(raw), domain=general(), recipe=replace(RECIPE, epochs=4.0), workspace=folder / "run")
    pretrain(reading, folder / "base")
    return folder / "base"


@pytest.mark.parametrize("way", [None, Lora(rank=8)], ids=["all weights", "an adapter"])
def test_the_domain_is_learned(reading: Make, tmp_path: Path, way: Lora | None, draw: int, shown: Shown) -> None:
    """Held-out texts of the domain cost less than before, by an interval far from 0; what is told is what the folder
    itself says of texts that nobody has seen.
    """
    given = reading(replace(RECIPE, adapt=way, lr=1e-2) if way else RECIPE)
    before, after = pretrain(given, tmp_path / "made").domain
    change = rise(before, after)
    gained = Score(mean=-change.mean, low=-change.high, high=-change.low, n=change.n)
    shown.within("bits a character of an unseen piece of text, less than before", gained, least=0.5, unit="pieces")
    assert after.perplexity < 0.7 * before.perplexity
    unseen = pieces(domain(60, 10 * draw + 5))
    told = rise(cost(open_model(given.base), unseen), cost(open_model(str(tmp_path / "made")), unseen))
    assert told.mean == pytest.approx(change.mean, rel=0.2)


@pytest.mark.slow
def test_order_is_what_is_learned(reading: Make, tmp_path: Path) -> None:
    """A base that reads the same words in no order gains less: it is texts that are learned and not words alone."""
    mixed = [" ".join(random.Random(text).sample(words := text.split(), len(words))) for text in domain()]
    unseen, costs = pieces(domain(60, 5)), []
    for name, texts in (("right", domain()), ("mixed", mixed)):
        pretrain(reading(domain=texts, workspace=tmp_path / name / "run"), tmp_path / name / "made")
        costs.append(cost(open_model(str(tmp_path / name / "made")), unseen))
    assert rise(costs[1], costs[0]).high < -0.2


@pytest.mark.slow
def test_general_texts_read_again_are_kept(schooled: Path, reading: Make, tmp_path: Path) -> None:
    """What the base has read before costs more after the domain alone; with a quarter of it among the windows it costs
    less than that, paired by text, and the domain is learned as well by nine tenths of its gain.
    """
    unseen, found = [pieces(make(60, 7)) for make in (general, domain)], {}
    before = [cost(open_model(str(schooled)), some) for some in unseen]
    for name, texts in (("alone", []), ("mixed", general())):
        given = reading(replace(RECIPE, replay=0.25), base=str(schooled), general=texts, workspace=tmp_path / name)
        read = pretrain(given, tmp_path / name / "made")
        assert read.ahead.replayed == pytest.approx(0.2 if texts else 0.0, abs=0.02)
        found[name] = [cost(open_model(str(tmp_path / name / "made")), some) for some in unseen]
    assert rise(before[0], found["alone"][0]).low > 0
    assert rise(found["alone"][0], found["mixed"][0]).high < 0
    gains = [-rise(before[1], found[name][1]).mean for name in ("mixed", "alone")]
    assert gains[0] > 0.9 * gains[1]


def test_new_words_go_before(reading: Make, tmp_path: Path) -> None:
    """With words of the domain in its vocabulary the base has fewer tokens to read, and the folder knows them."""
    read = pretrain(reading(words=40), tmp_path / "made")
    before, after = read.domain
    assert len(read.words) == 40
    assert sum(after.tokens) < 0.7 * sum(before.tokens)
    assert rise(before, after).high < -0.5
    known = open_model(str(tmp_path / "made")).tokenizer.get_vocab()
    assert set(read.words) <= set(known)


def test_the_folder_serves_what_was_trained(reading: Make, tmp_path: Path) -> None:
    """Named as a base, it answers through the backend as the tensors that were trained, bit by bit, and as another
    than the one it came from.
    """
    given = reading()
    pretrain(given, tmp_path / "made")
    checkpoint = tmp_path / "run" / "checkpoint" / "state.safetensors"
    assert checkpoint.exists()
    from_folder, base = LocalBackend(str(tmp_path / "made")), LocalBackend(given.base)
    saved = open_model(str(tmp_path / "made")).model.state_dict()
    with torch.no_grad():
        kept = open_model(given.base)
        for tensor, best in zip(kept.model.parameters(), best_of(checkpoint), strict=True):
            tensor.copy_(best)
    assert all(torch.equal(saved[name], tensor) for name, tensor in kept.model.state_dict().items())
    asked = [Request(task=tiny.REPLIES, text=text, version="") for text in domain(6, 9)]
    kept.model.save_pretrained(tmp_path / "kept")
    kept.tokenizer.save_pretrained(tmp_path / "kept")
    replies = [backend.reply(asked) for backend in (from_folder, LocalBackend(str(tmp_path / "kept")), base)]
    assert replies[0] == replies[1]
    assert [r.text for r in replies[0]] != [r.text for r in replies[2]]


def best_of(checkpoint: Path) -> list[torch.Tensor]:
    """The tensors that a run kept, in the order in which they were trained."""
    tensors = load_file(checkpoint)
    return [tensors[f"best.{k}"] for k in range(sum(name.startswith("best.") for name in tensors))]


PROGRAM = """
import pickle, sys
from pathlib import Path
from dataclasses import replace
from homeostat.train.domain.pretrain import pretrain
given = pickle.loads(Path(sys.argv[1]).read_bytes())
pretrain(replace(given, report=lambda values: print(values["step"], flush=True)), Path(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("words", [0, 30])
def test_a_killed_run_leaves_the_same_weights(reading: Make, tmp_path: Path, words: int) -> None:
    """Killed with SIGKILL after a few looks and asked for again, it leaves the same file, byte by byte, as one that was
    never disturbed; with new words too.
    """
    recipe = replace(RECIPE, looks=12)
    pretrain(reading(recipe, words=words, workspace=tmp_path / "whole"), tmp_path / "undisturbed")
    given, looks = reading(recipe, words=words, workspace=tmp_path / "killed"), []
    (tmp_path / "given").write_bytes(pickle.dumps(replace(given, report=print)))
    for count in (2, 4):
        program = [sys.executable, "-c", PROGRAM, str(tmp_path / "given"), str(tmp_path / "made")]
        process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        looks += [process.stdout.readline() for _ in range(count)]
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "made").exists()
    pretrain(given, tmp_path / "made")
    assert weights(tmp_path / "made") == weights(tmp_path / "undisturbed")


@pytest.mark.slow
def test_what_is_ahead_is_what_comes(reading: Make, tmp_path: Path) -> None:
    """What is foreseen is what the run then says of itself, its steps and operations within a tenth, and less than a
    place in a hundred is filled up; foreseeing leaves nothing behind.
    """
    given = reading(general=general())
    ahead = foresee(given)
    assert not (tmp_path / "run").exists()
    read: Read = pretrain(given, tmp_path / "made")
    assert read.ahead == ahead
    assert ahead.padding < 0.01
    assert ahead.documents == len(set(domain()))
    assert read.cost["steps"] == ahead.steps
    assert ahead.flops == pytest.approx(read.cost["flops"], rel=0.25)


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_other_families_are_refused(reading: Make, tmp_path: Path, family: str) -> None:
    """An encoder and a sequence-to-sequence model are refused with what to do, before anything is written."""
    base = getattr(tiny, family)(tmp_path / "other")
    for work in (foresee, lambda given: pretrain(given, tmp_path / "made")):
        with pytest.raises(UnsuitedModel, match="does not go on with texts"):
            work(reading(base=str(base)))
    assert not (tmp_path / "made").exists()


def test_what_cannot_be_read(reading: Make, tmp_path: Path) -> None:
    """One text alone, and a recipe that leaves no weights, are refused before anything is written."""
    with pytest.raises(NothingToTrainOn, match="too little"):
        pretrain(reading(domain=["one text"]), tmp_path / "made")
    with pytest.raises(UnsuitedModel, match="cannot become part"):
        foresee(reading(replace(RECIPE, adapt=Prompt())))
    assert not (tmp_path / "made").exists()
