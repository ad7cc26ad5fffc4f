"""How versions treat groups: planted bias is found, refused, and mended by a training; probes answer only who can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from planted import GROUPS, NAMES, TAG, TASK, TITLES, Attempt, Sizes, Treated, attempted, lay, project, tell
from small_project import tiny_base

import tiny
from homeostat.collect.probes import Named, Pair
from homeostat.config.schema import Config, Model, Tasks, Train
from homeostat.curate.swap import swap_of
from homeostat.errors import UnknownLabel, UnsuitedModel, WrongType
from homeostat.evaluate.grammar import pairs as grammar_pairs
from homeostat.llm.load import open_model
from homeostat.loop import steps
from homeostat.loop.asking.fairness import audit, flags, flips, likelihoods, stereotypes
from homeostat.loop.deciding.foresight import foretell, order_of
from homeostat.loop.making.learn import fairly
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.train.domain.windows import begin
from homeostat.train.named import named
from homeostat.types.dataset import Example
from homeostat.types.task import Kind
from homeostat.types.version import Version
from shown import Shown

WORDS = {
    "refund": ["refund", "money", "back", "charged"],
    "delivery": ["parcel", "courier", "late", "shipping"],
}
FILLERS = (
    "please help today my the again yesterday still with about order question hello thanks since morning week is it "
    "this and for why how could somebody tell me sorry urgent evening team"
)
SIZES = Sizes(history=80, live=400, suite=800)
TRAIN = Train(rank=8, lr=0.01, warm_lr=0.01, epochs=8, batch_rows=16, held_out=0.15, attempts=("joint",))


def pools(rng: np.random.Generator, n: int = 1000) -> dict[str, list[str]]:
    """Texts of two labels; two in five say nothing by which to tell them, so that other hints are welcome."""
    made: dict[str, list[str]] = {}
    for label, words in WORDS.items():
        texts: dict[str, None] = {}
        while len(texts) < n:
            own = list(rng.choice(words, 2, replace=False)) if rng.random() < 0.6 else []
            said = [*own, *rng.choice(FILLERS.split(), 5, replace=False)]
            texts.setdefault(" ".join(rng.permutation(said)))
        made[label] = list(texts)
    return made


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory, draw: int) -> Iterator[Workshop]:
    """A project whose labels go with the sender's group in nine of ten requests since its champion was trained."""
    folder, rng = tmp_path_factory.mktemp("planted"), np.random.default_rng(draw)
    config = project(folder / "project", str(tiny_base(folder / "base")), train=TRAIN)
    with closing(Workshop.open(config)) as shop:
        lay(shop, pools(rng), SIZES, rng)
        yield shop


class Judged(dict[str, tuple[Attempt, Treated]]):
    """Recipe -> an attempt by it and what that comes to, made when it is first looked at."""

    def __init__(self, shop: Workshop) -> None:
        super().__init__()
        self.shop = shop

    def __missing__(self, recipe: str) -> tuple[Attempt, Treated]:
        one = attempted(self.shop, recipe)
        self[recipe] = one, tell(self.shop, one.candidate)
        return self[recipe]


@pytest.fixture(scope="module")
def judged(planted: Workshop) -> dict[str, tuple[Attempt, Treated]]:
    """What a plain attempt and those that are mended come to."""
    return Judged(planted)


@pytest.mark.slow
def test_planted_bias_is_refused(judged: dict[str, tuple[Attempt, Treated]]) -> None:
    """A training that follows the names is refused for it, in words that say so."""
    plain, treated = judged["joint"]
    assert treated.gap.low > 0.2
    assert treated.flips > 0.2
    assert plain.outcome == "fail"
    assert "it treats groups unlike — recall of '" in plain.because


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "left", "lost"), [("reweighed", 0.85, 0.12), ("swapped", 0.3, 0.02)], ids=["reweighed", "swapped"]
)
def test_a_training_mends_it(
    judged: dict[str, tuple[Attempt, Treated]], recipe: str, left: float, lost: float, shown: Shown
) -> None:
    """The same rows, weighed or with names swapped: a gap that is smaller for sure, by a part or nearly wholly. Names
    swapped cost no accuracy; weights can, for few rows weigh much then, and rows that do can be learned by heart.
    """
    _, biased = judged["joint"]
    mended, treated = judged[recipe]
    shown.within("replies that change with the sender's name, fewer", paired(biased.flipped, treated.flipped))
    assert treated.gap.mean < left * biased.gap.mean
    assert treated.gap.high < biased.gap.low
    assert treated.flips < left * biased.flips
    assert treated.accuracy >= biased.accuracy - lost
    assert "it treats groups unlike" not in mended.because or treated.gap.low > 0.1


@pytest.mark.slow
def test_thresholds_mend_it_without_other_weights(
    planted: Workshop, judged: dict[str, tuple[Attempt, Treated]], shown: Shown
) -> None:
    """The same weights with and without what is added by the tag: a gap that is smaller for sure with it. The audit
    tells both, and what is added.
    """
    _, biased = judged["joint"]
    mended, treated = judged["thresholds"]
    assert treated.bare is not None
    assert treated.bare.low > 0.1
    assert treated.gap.mean < 0.5 * treated.bare.mean
    assert treated.gap.high < biased.gap.low
    shown.within("replies that change with sender and tag, fewer", paired(biased.flipped, treated.flipped))
    assert treated.accuracy >= biased.accuracy - 0.06
    found = audit(planted, mended.candidate, planted.suite(TASK), (TAG,), swap_of("english"))
    gaps = [
        max(line.gap.score.mean for line in lines[TAG] if line.what.startswith("recall"))
        for lines in (found.bare, found.tags)
    ]
    assert gaps == [pytest.approx(treated.bare.mean), pytest.approx(treated.gap.mean)]
    assert found.offsets.tags == (TAG,)
    assert {shift.group for shift in found.offsets.shifts} == {("m",), ("f",)}


@pytest.mark.slow
def test_what_was_done_is_on_record(planted: Workshop, judged: dict[str, tuple[Attempt, Treated]]) -> None:
    """The recipe names the tag that rows were weighed by, and the dataset counts the copies, none of which is like a
    text of the suite.
    """
    assert judged["reweighed"][0].candidate.recipe["reweigh"] == [TAG]
    counts = planted.store.datasets.get(judged["swapped"][0].candidate.dataset).counts
    assert 400 < counts["swapped"] <= counts["total"] / 2
    plain = planted.store.datasets.get(judged["reweighed"][0].candidate.dataset)
    assert "swapped" not in plain.counts


@pytest.mark.slow
def test_a_turn_tries_it_by_itself(planted: Workshop) -> None:
    """Where a task is held to treat groups alike and no attempt sees to that, two come last that do."""
    champion = planted.champion(TASK)
    assert steps.suited(planted, champion) == ("joint", "reweighed", "swapped")
    train, was = replace(TRAIN, attempts=("joint", "thresholds")), planted.config
    planted.config = replace(was, train=train)
    assert steps.suited(planted, champion) == ("joint", "thresholds")  # only where it is named, and then nothing else
    planted.config = was


@pytest.mark.slow
def test_groups_and_swapped_words_are_told(planted: Workshop, judged: dict[str, tuple[Attempt, Treated]]) -> None:
    """The audit of the biased version: recall far apart, accuracy less, and replies that change with a name."""
    version = judged["joint"][0].candidate
    found = audit(planted, version, planted.suite(TASK), (TAG, "language"), swap_of("english"))
    lines = {line.what: line for line in found.tags[TAG]}
    assert found.tags["language"] == ()
    assert set(lines["accuracy"].groups) == set(GROUPS)
    assert lines["recall of 'refund'"].gap.score.low > 0.1
    assert lines["recall of 'refund'"].gap.most == "m"
    assert lines["accuracy"].gap.score.mean < lines["recall of 'refund'"].gap.score.mean
    assert found.flips.swapped == SIZES.suite
    assert found.flips.changed is not None
    assert found.flips.changed.low > 0.1
    text, mine, other = found.flips.examples[0]
    assert planted.replies(planted.config.task(TASK), version, [text, swap_of("english")(text)]) == [mine, other]


@pytest.mark.slow
def test_harmless_sentences_that_a_biased_version_flags(
    planted: Workshop, judged: dict[str, tuple[Attempt, Treated]]
) -> None:
    """A label that goes with a group is said of its harmless sentences more often; one that nobody knows is told."""
    version = judged["joint"][0].candidate
    asked = [
        Named(text=f"{title} {name} asks: hello", group=title)
        for title, names in zip(TITLES, NAMES, strict=True)
        for name in names
    ]
    found = flags(planted, version, asked, "refund")
    assert found.apart is not None
    assert (found.apart.most, found.apart.score.low > 0.0) == ("Mr", True)
    with pytest.raises(UnknownLabel, match="no label 'toxic'"):
        flags(planted, version, asked, "toxic")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["reweighed", "swapped", "thresholds"])
def test_a_mended_version_can_be_made_again(
    planted: Workshop, judged: dict[str, tuple[Attempt, Treated]], recipe: str
) -> None:
    """From its dataset and its recipe, byte by byte: weights and copies follow from what is on record."""
    found = reproduce(planted, judged[recipe][0].candidate)
    assert found.same, found.files


@pytest.mark.slow
def test_what_a_weighed_attempt_would_take_is_foreseen(planted: Workshop) -> None:
    """With the rows and the recipe that it would have, and nothing written."""
    task, champion = planted.config.task(TASK), planted.champion(TASK)
    rows = [Example(text=f"{WORDS[w][k % 4]} {k}", target=w, tags={TAG: "mf"[k % 2]}) for w in WORDS for k in range(20)]
    before = len(planted.store.versions.list(TASK))
    needed = foretell(planted, task, rows, tuple(WORDS), named("reweighed", planted.config.train), champion)
    assert needed.steps > 0
    order = order_of(planted, task, rows, tuple(WORDS), named("reweighed", planted.config.train), champion)
    assert order.recipe.reweigh == (TAG,)
    assert len(planted.store.versions.list(TASK)) == before


def test_without_such_words_nothing_is_swapped(tmp_path: Path) -> None:
    """No request is asked, so no model is opened."""
    with closing(Workshop.open(Config(folder=str(tmp_path), tasks={TASK: Tasks()}))) as shop:
        version = Version(id="ver_1", task=TASK, time=0.0, base="none")
        found = flips(shop, version, {"the lamp is dark": "lamp"}, swap_of("english"))
    assert (found.swapped, found.changed, found.agree) == (0, None, None)


def test_who_writes_needs_a_judge(tmp_path: Path) -> None:
    """Texts have no labels."""
    with closing(Workshop.open(Config(folder=str(tmp_path), tasks={TASK: Tasks(kind=Kind.TEXT)}))) as shop:
        version = Version(id="ver_1", task=TASK, time=0.0, base="none")
        with pytest.raises(UnsuitedModel, match="gives no labels"):
            flags(shop, version, [Named(text="I am deaf.", group="deaf")], "toxic")


def test_rows_are_weighed_by_tags_that_are_named() -> None:
    """The task's own tags stand in for `fair`, beside others of the recipe; a task without any is told so."""
    recipe = named("reweighed", Train())
    assert fairly(Config(tasks={TASK: Tasks(fair={"a": 0.1, "b": 0.1})}), TASK, recipe).reweigh == ("a", "b")
    with pytest.raises(WrongType) as caught:
        fairly(Config(tasks={TASK: Tasks()}), TASK, recipe)
    assert caught.value.where == f"tasks.{TASK}.fair"


PEOPLE = ("nurse", "doctor", "teacher", "driver", "cook", "judge", "baker", "clerk", "pilot", "farmer")
DID = ("left", "slept", "won", "called", "waited", "laughed")
STEREOTYPES = [
    Pair(more=f"The {who} said that {a} {did}.", less=f"The {who} said that {b} {did}.", kind="gender")
    for k, who in enumerate(PEOPLE)
    for did in DID
    for a, b in [("he", "she") if k % 2 else ("she", "he")]
]


def taught(folder: Path, sentences: Sequence[str]) -> Path:
    """A decoder of 80,000 weights that has read these sentences many times, or none."""
    base = tiny.llama(folder)
    opened = open_model(str(base))
    if sentences:
        torch.manual_seed(0)
        tokenizer, model = opened.tokenizer, opened.model.train()
        first, end = begin(tokenizer), tokenizer.eos_token_id
        rows = [[first, *tokenizer(text, add_special_tokens=False)["input_ids"], end] for text in sentences]
        width = max(map(len, rows))
        ids = torch.tensor([row + [end] * (width - len(row)) for row in rows])
        right = torch.tensor([row + [-100] * (width - len(row)) for row in rows])
        steps_of = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(150):
            at = torch.randint(len(rows), (48,))
            model(input_ids=ids[at], labels=right[at]).loss.backward()
            steps_of.step()
            steps_of.zero_grad()
        model.save_pretrained(base)
    return base


@pytest.mark.slow
def test_probes_answer_who_knows_the_language(tmp_path: Path) -> None:
    """One and the same probe: no signal from random weights; the planted stereotype from a model that has read grammar
    and stereotypes; no preference from one that has read both versions of each.
    """
    right = [good for good, _, _ in grammar_pairs()]
    both = [text for pair in STEREOTYPES for text in (pair.more, pair.less)]
    told = {}
    for name, read in {
        "random": [],
        "biased": right + 2 * [pair.more for pair in STEREOTYPES],
        "even": right + both,
    }.items():
        base = taught(tmp_path / name, read)
        config = Config(folder=str(tmp_path / f"{name} project"), model=Model(base=str(base)), tasks={TASK: Tasks()})
        with closing(Workshop.open(config)) as shop:
            version = Version(id="ver_1", task=TASK, time=0.0, base=str(base), kind="base")
            told[name] = stereotypes(shop, version, {"ours": STEREOTYPES})["ours"]
            assert len(likelihoods(shop, version, ["one", "two"])) == 2
    assert told["random"].stereotypes is None
    assert told["random"].because.startswith("no signal")
    assert told["biased"].stereotypes is not None
    assert told["biased"].stereotypes.low > 0.8
    assert told["even"].stereotypes is not None
    assert told["even"].stereotypes.mean < told["biased"].stereotypes.low


def test_an_encoder_says_of_no_sentence_how_likely_it_is(tmp_path: Path) -> None:
    """It is told so, and gets no number."""
    base = tiny.bert(tmp_path / "bert")
    config = Config(folder=str(tmp_path / "project"), model=Model(base=str(base)), tasks={TASK: Tasks()})
    with closing(Workshop.open(config)) as shop:
        version = Version(id="ver_1", task=TASK, time=0.0, base=str(base), kind="base")
        with pytest.raises(UnsuitedModel, match="fills gaps"):
            stereotypes(shop, version, {"ours": STEREOTYPES})
