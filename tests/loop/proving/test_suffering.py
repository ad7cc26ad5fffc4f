"""A version that a disturbance hits in one slice of the traffic alone: which one is told, and nothing where none is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from small_project import DAY, START, TASK, configuration, tiny_base

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Train
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow
from homeostat.loop.making.learn import carried_out
from homeostat.loop.proving.examining import beside_suites, scored
from homeostat.loop.proving.suites import keep
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import register
from homeostat.train.named import named
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Example
from homeostat.types.report import Report
from homeostat.types.suite import Case, Suite
from homeostat.types.version import Version

WORDS = {"refund": ("refund", "erstatten"), "delivery": ("parcel", "liefern"), "login": ("password", "anmelden")}
LABELS = tuple(WORDS)
FILLERS = (
    ("please", "help", "today", "my", "with", "about", "order", "question", "hello", "thanks"),
    ("bitte", "heute", "mein", "wegen", "noch", "frage", "hallo", "danke", "gerade", "schon"),
)
UNDER = ("cut", "polite", "spaced")
NOW = START + 9 * DAY


def requests(n: int, seed: int) -> list[Example]:
    """English says first what it is about, and German at the end, which is what a request lacks that is cut."""
    rng, made = np.random.default_rng(seed), []
    for k in range(n):
        label, german = LABELS[k % 3], int(rng.random() < 0.3)
        words = [WORDS[label][german], *rng.choice(FILLERS[german], 5), str(seed * n + k)]
        tags = {"language": ("en", "de")[german], "plan": str(rng.choice(["free", "paid", "team"])), "user": f"u{k}"}
        text = " ".join(words if not german else [*words[1:], words[0]])
        made.append(Example(text=text, target=label, task=TASK, tags=tags))
    return made


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """An exact head that has read both languages, a champion that knows one reply, and a suite of test rows."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model, whose tokenizer is used, is not there")
    folder = tmp_path_factory.mktemp("suffering")
    config = configuration(folder / "project", tiny_base(folder / "base"))
    with closing(Workshop.open(config)) as opened:
        base, task = config.model.base, config.task(TASK)
        start, recipe = Start(base=base), named("head", Train())
        order = Order(
            task=task, start=start, recipe=recipe, examples=requests(400, 1), labels=LABELS, folder=folder / "v"
        )
        made = carried_out(order)
        head = Version(id="ver_head", task=TASK, time=START, base=base, kind=made.kind, labels=LABELS, prior=made.prior)
        register(opened.store, head, made.weights)
        opened.store.versions.put(
            Version(id="ver_old", task=TASK, time=START, base=base, kind="base", labels=LABELS[:1])
        )
        exams = [Exam(text=row.text, target=row.target, time=START, tags=row.tags) for row in requests(240, 2)]
        opened.put_suite(TASK, exams)
        keep(opened.store, Suite(name="robust", task=TASK, check="equals", test_rows=240, under=UNDER))
        own = (Case(text="my refund please", expect="refund"),) * 20
        keep(opened.store, Suite(name="golden", task=TASK, check="equals", cases=own))
        yield opened


def test_the_slice_that_suffers_is_named_under_its_disturbance(shop: Workshop) -> None:
    """German requests that are cut lack their verb; English ones, and German ones under anything else, are right."""
    found = scored(shop, shop.store.versions.get("ver_head"), NOW)
    weak = found["weakest"]
    assert list(weak) == [f"suite robust under {name}" for name in UNDER]
    worst = weak["suite robust under cut"]
    assert (worst.slice, worst.shown) == ("language=de", True)
    assert worst.plain.low > 0.9
    assert worst.score.high < 0.6
    assert worst.beyond.high < -0.4
    assert worst.score.n == sum(row.tags["language"] == "de" for row in shop.suite(TASK))
    assert worst.among == 2 + 3 + 3  # languages, plans and labels; a user is no slice
    for name in UNDER[1:]:
        assert not weak[f"suite robust under {name}"].shown


def _without(report: Report) -> Report:
    return replace(report, suites={part: replace(one, weakest=None) for part, one in report.suites.items()})


def test_it_stands_in_the_report_and_moves_no_verdict(shop: Workshop) -> None:
    """Of the candidate, kept with the report; the gate says of it what it says without."""
    settings, task = shop.config.evaluate, shop.config.task(TASK)
    rows = [PairedRow(id=str(k), group="known labels", candidate=1.0, champion=k % 3 == 0) for k in range(90)]
    plain = compare(task, "ver_head", "ver_old", rows, settings, now=NOW)
    report, asked = beside_suites(shop, plain, rows, NOW)
    weak = {part: trial.weakest for part, trial in report.suites.items()}
    assert weak.pop("suite golden") is None  # nothing is disturbed there
    assert weak == scored(shop, shop.store.versions.get("ver_head"), NOW)["weakest"]
    shop.store.reports.put(report)
    assert shop.store.reports.get(report.id) == report
    assert gate(report, asked, settings).because == gate(_without(report), asked, settings).because


def test_without_tags_there_are_labels_alone(shop: Workshop) -> None:
    """Cases of a file are in the slice of the label that they expect, where they expect one."""
    cases = tuple(Case(text=row.text, expect=row.target) for row in requests(90, 3))
    keep(shop.store, Suite(name="own", task=TASK, check="equals", cases=cases, under=("cut",)))
    keep(shop.store, Suite(name="alike", task=TASK, check="same", cases=cases, under=("cut",)))
    weak = scored(shop, shop.store.versions.get("ver_head"), NOW)["weakest"]
    assert weak["suite own under cut"].slice.startswith("label ")
    assert (weak["suite own under cut"].among, weak["suite own under cut"].shown) == (3, False)
    assert "suite alike under cut" not in weak
