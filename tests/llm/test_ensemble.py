"""Several versions that answer as one: the same as asked apart, better than one of them, and aware of doubt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import NotFound, UnknownPlugin, UnsuitedModel
from homeostat.evaluate.ensemble import telling
from homeostat.llm.backend import Request
from homeostat.llm.combine import HOW, Slices, disagreement, mean
from homeostat.llm.ensemble import Ensemble
from homeostat.llm.local import LocalBackend
from homeostat.stats.intervals import paired
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.version import Version
from shown import Shown

MEMBERS = 4


@dataclass(frozen=True, slots=True)
class School:
    """Adapters that each learned a few rows of their own, and how to ask them."""

    backend: LocalBackend
    versions: list[Version]

    def ensemble(self, **more: object) -> Ensemble:
        """All of them as one."""
        return Ensemble(self.backend, self.versions, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def school(llama: Path, draw: int, tmp_path_factory: pytest.TempPathFactory) -> School:
    """Four adapters of the tiny decoder, each after 30 steps on 30 rows."""
    backend, versions = LocalBackend(str(llama)), []
    for seed in range(10 * draw, 10 * draw + MEMBERS):
        order = Order(
            task=tiny.ROUTING,
            start=Start(base=str(llama)),
            examples=tiny.examples(each=10, seed=seed),
            labels=tiny.LABELS,
            recipe=Recipe(lr=8e-3, max_steps=30, epochs=30, looks=1, batch_rows=10, seed=seed),
            folder=tmp_path_factory.mktemp(f"member{seed}"),
        )
        trained = train(order)
        made = Version(id=f"ver_{seed}", task="routing", time=0.0, base="", labels=trained.labels, prior=trained.prior)
        backend.load(made, trained.weights)
        versions.append(made)
    return School(backend, versions)


def asked(*labels: str, each: int = 80, seed: int = 99) -> tuple[list[Request], list[str]]:
    """Requests nobody has seen, and what they are about."""
    pairs = [(text, label) for label in labels for text in tiny.texts(label, each, seed)]
    return [Request(task=tiny.ROUTING, text=text, version="") for text, _ in pairs], [label for _, label in pairs]


def right(logs: np.ndarray, target: list[str]) -> np.ndarray:
    return np.array([tiny.LABELS[k] for k in logs.argmax(-1)]) == np.array(target)


def test_one_pass_equals_the_members_asked_one_by_one(school: School) -> None:
    """To 1e-5 in every log-probability, over more rows than one pass takes."""
    requests, _ = asked(*tiny.LABELS, each=30)
    together = school.ensemble().each(requests)
    for k, version in enumerate(school.versions):
        alone = school.backend.score([Request(task=r.task, text=r.text, version=version.id) for r in requests])
        assert np.abs(together[k] - np.stack(alone)).max() < 1e-5


def test_the_mean_is_better_than_the_mean_member(school: School, draw: int, shown: Shown) -> None:
    """On 240 unseen rows the members' mean tells more right than a member does on average, and loses less, each by an
    interval above 0; and the members have learned something, and not everything.
    """
    requests, target = asked(*tiny.LABELS, seed=10 * draw + 99)
    each = school.ensemble().each(requests)
    marks = np.array([right(logs, target) for logs in each], dtype=float)
    assert 0.5 < marks.mean() < 0.98
    more = paired(right(mean(each), target).astype(float), marks.mean(0))
    shown.within("share of unseen rows told right, more than by a member on average", more)
    at = [tiny.LABELS.index(label) for label in target]
    losses = -each[:, np.arange(len(at)), at]
    assert paired(losses.mean(0), -mean(each)[np.arange(len(at)), at]).low > 0


def test_disagreement_tells_what_is_wrong_and_what_is_foreign(school: School) -> None:
    """It is higher on rows that are told wrong than on those told right, and on rows of another domain than on those
    of the members' own: the chance of it is above one half by its whole interval.
    """
    requests, target = asked(*tiny.LABELS)
    each = school.ensemble().each(requests)
    wrong = telling(disagreement(each), ~right(mean(each), target))
    foreign, _ = asked(*[label for label in tiny.WORDS if label not in tiny.LABELS])
    doubt = np.concatenate([disagreement(each), disagreement(school.ensemble().each(foreign))])
    apart = telling(doubt, np.arange(len(doubt)) >= len(each[0]))
    assert wrong is not None
    assert apart is not None
    assert wrong.low > 0.5
    assert apart.low > 0.5


@pytest.mark.parametrize("how", HOW)
def test_an_opinion_says_what_was_combined(school: School, how: str) -> None:
    """Reply, confidence and entropy are those of the combination; what each member would reply stands beside them."""
    requests, _ = asked(tiny.LABELS[0], each=5)
    ensemble = school.ensemble(how=how)
    logs = ensemble.combined(requests, ensemble.each(requests))
    for k, opinion in enumerate(ensemble.reply(requests)):
        assert opinion.text == tiny.LABELS[int(logs[k].argmax())]
        assert opinion.confidence == pytest.approx(float(np.exp(logs[k].max())))
        assert opinion.entropy == pytest.approx(float(-(np.exp(logs[k]) * logs[k]).sum()))
        assert len(opinion.members) == MEMBERS
        assert opinion.disagreement >= 0


def test_slices_are_answered_by_their_members(school: School) -> None:
    """By a slice of one's own, or by what the mean would reply."""
    requests, _ = asked(*tiny.LABELS[:2], each=4)
    each = school.ensemble().each(requests)
    named = school.ensemble(
        how="slice", slices=Slices({"odd": 1}, 2), slice_of=lambda r: "odd" if "my" in r.text else ""
    )
    who = [1 if "my" in request.text else 2 for request in requests]
    assert np.array_equal(named.combined(requests, each), each[who, np.arange(len(requests))])
    by_label = school.ensemble(how="slice", slices=Slices({tiny.LABELS[0]: 3}, 0))
    who = [3 if label == tiny.LABELS.index(tiny.LABELS[0]) else 0 for label in mean(each).argmax(-1)]
    assert np.array_equal(by_label.combined(requests, each), each[who, np.arange(len(requests))])


def test_what_an_ensemble_cannot_do(school: School) -> None:
    """Another way to combine, slices that were not measured, texts, and members that are not loaded are refused."""
    with pytest.raises(UnknownPlugin, match="meen") as misspelled:
        school.ensemble(how="meen")
    assert "mean" in misspelled.value.fix
    with pytest.raises(UnknownPlugin, match="slice"):
        school.ensemble(how="slice")
    with pytest.raises(UnsuitedModel):
        school.ensemble().each([Request(task=tiny.REPLIES, text="hi", version="")])
    gone = Version(id="ver_gone", task="routing", time=0.0, base="", labels=tiny.LABELS)
    with pytest.raises(NotFound):
        Ensemble(school.backend, [school.versions[0], gone]).each(asked(tiny.LABELS[0], each=1)[0])
    assert school.ensemble().reply([]) == []
