"""A card says what is on record, as markdown that hubs can read, and says what was not measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from homeostat.config.schema import Train
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import NotFound
from homeostat.llm.offsets import Offsets, Shift, save_offsets
from homeostat.release.card import STEPS, card, keep, written
from homeostat.release.record import datasheet, record
from homeostat.release.registry import promote
from homeostat.store import Store
from homeostat.train.named import named
from homeostat.train.recipe import Recipe, plain
from homeostat.types.dataset import Example, Origin
from homeostat.types.decision import Action, Decision
from homeostat.types.interaction import Interaction
from homeostat.types.report import Outcome, Report, Score, Trial, Verdict, Weakest
from homeostat.types.turn import Turn
from homeostat.types.version import HEAD, Version
from release.rehearsal import TASK, open_store

SCORE = Score(mean=0.9123, low=0.88, high=0.94, n=400)
UNDER = ("typos", "cut")
SECRET = "my name is Ada and my card ends in 77"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a champion, and a candidate from a turn that somebody approved."""
    with open_store(tmp_path) as opened:
        opened.interactions.add([Interaction(id="int_1", task=TASK, time=2.0, text=SECRET, reply="a", version="")])
        rows = [Example(text=SECRET, target="refund", interaction="int_1", time=86_400.0)]
        rows += [Example(text="where?", target="delivery|late", origin=Origin.REPLAY, time=172_800.0)] * 2
        curated = Curated(examples=rows, counts={"selected": 9, "mixed": 3}, labels=("refund", "delivery|late"))
        data = store_dataset(opened, curated, task=TASK, turn="trn_1", now=200_000.0)
        parent = Version(id="ver_old", task=TASK, time=1.0, base="b", labels=("refund",), recipe={"lr": 0.1, "rank": 8})
        opened.versions.put(parent)
        promote(opened, TASK, "ver_old", "first", now=1.0)
        recipe = {"lr": 0.2, "rank": 8}
        made = replace(parent, id="ver_new", parent="ver_old", dataset=data.id, labels=data.labels, recipe=recipe)
        opened.versions.put(replace(made, cost={"flops": 3e12}))
        opened.decisions.put(
            Decision(id="dec_1", task=TASK, time=2.0, action=Action.RETRAIN, because="it pays", gain=0.1, cost=1.0)
        )
        diary = {"decide": "dec_1", "train.careful": "ver_new", "approval": "approved by ana: new catalog"}
        opened.turns.put(Turn(id="trn_1", task=TASK, time=2.0, diary=diary))
        yield opened


def measured(store: Store, **more: Any) -> None:
    difference = Score(mean=0.05, low=0.01, high=0.09, n=400)
    groups = {"known labels": Score(mean=-0.01, low=-0.03, high=0.01, n=250), "new labels": difference}
    fields: dict[str, Any] = {"candidate_score": SCORE, "champion_score": SCORE, "difference": difference} | more
    report = Report(
        id="rep_1",
        task=TASK,
        time=3.0,
        candidate="ver_new",
        champion="ver_old",
        metric="accuracy",
        groups=groups,
        suites={
            "suite golden": Trial(
                candidate=difference, champion=difference, difference=difference, margin=0.05, gated=True
            )
        },
        **fields,
    )
    store.reports.put(report)
    verdict = Verdict(
        id="vdt_1", task=TASK, time=3.0, report="rep_1", candidate="ver_new", outcome=Outcome.PASS, because="better"
    )
    store.verdicts.put(verdict)


def test_figures_have_their_intervals(store: Store) -> None:
    """Score, difference and every group stand there with mean, both ends and n; the verdict beside them."""
    measured(store)
    text = card(store, "ver_new")
    assert "| it | 0.9123 | 0.8800 | 0.9400 | 400 |" in text
    assert "| suite golden |" in text
    assert "| difference on suite golden |" in text
    assert "| difference on known labels | -0.0100 | -0.0300 | 0.0100 | 250 |" in text
    assert "The gate: **pass**. better" in text
    assert "not shown beyond its interval on: known labels." in text


def test_groups_of_users_are_told_apart(store: Store) -> None:
    """By the tags of the newest report's rows, for it and the champion; labels, suites and groups of few are no such
    groups. Without tags the card says that nothing else is on record.
    """
    rows = [
        {
            "id": str(k),
            "group": "suite golden" if k == 60 else "known labels",
            "candidate": float(k % 20 > 0),
            "champion": float(k % 20 > 1),
            "slices": ["plan=free", f"label plan={k % 2}"],
            "tags": {"language": "de" if k < 40 else "fr", "city": "Ulm" if k < 9 else "Bonn"},
        }
        for k in range(61)
    ]
    text = store.blobs.put_text("".join(json.dumps(row) + "\n" for row in rows))
    measured(store, rows=text)
    known = record(store, store.versions.get("ver_new"))["groups"]
    assert list(known) == ["city=Bonn", "language=de", "language=fr", "plan=free"]
    assert (known["language=de"]["it"]["mean"], known["language=de"]["it"]["n"]) == (0.95, 40)
    assert known["language=fr"]["difference"]["mean"] == pytest.approx(0.05)
    said = card(store, "ver_new")
    assert "| language=de | 0.9500 | 0.8308 | 0.9939 | 40 |" in said
    assert "| champion, language=de | 0.9000 |" in said
    assert "the groups above are all" not in said
    store.erasure.remove_blobs([text])
    assert "the groups above are all" in card(store, "ver_new")
    store.versions.put(replace(store.versions.get("ver_new"), id="ver_alone"))
    assert "Fairness: no groups of users were compared; no other attribute" in card(store, "ver_alone")


def test_what_is_added_for_groups(store: Store, tmp_path: Path) -> None:
    """Before and after with their bounds, what is added to whom, and a warning; of offsets that were not kept the
    reason alone, and of a version without any no word.
    """
    gaps = {
        "before": {"label": "refund", "gap": [0.352, 0.28, 0.41]},
        "after": {"label": "refund", "gap": [0.02, 0, 1]},
    }
    because = "they narrow the widest gap by 20.1 points or more"
    found = {"kept": True, "because": because, "rows": 160, "accuracy_before": 0.75, "accuracy_after": 0.78, **gaps}
    shifts = (Shift(group=("m",), offsets={"refund": -0.8}), Shift(group=("f",), offsets={"refund": 0.8}))
    kept = Offsets(tags=("sender",), shifts=shifts, measured=found)
    unkept = Offsets(tags=("sender",), measured={"kept": False, "because": "not beyond doubt", "rows": 0})
    told = {}
    for name, offsets in {"kept": kept, "unkept": unkept}.items():
        folder = tmp_path / name
        folder.mkdir()
        save_offsets(offsets, folder)
        version = replace(store.versions.get("ver_new"), id=f"ver_{name}", blob=store.blobs.put_folder(folder))
        store.versions.put(version)
        told[name] = card(store, version.id)
    assert "| before | refund | 0.3520 | 0.2800 | 0.4100 | 0.7500 |" in told["kept"]
    assert "| after | refund | 0.0200 |" in told["kept"]
    assert "| f | refund | +0.800 |" in told["kept"]
    assert f"Kept; {because}." in told["kept"]
    assert "It decides by sender: see that this is lawful" in told["kept"]
    assert "not kept: it adds nothing; not beyond doubt." in told["unkept"]
    assert "lawful" not in told["unkept"]
    assert "adds for groups" not in card(store, "ver_new")


def test_what_was_not_measured_is_said(store: Store) -> None:
    """Without a report the card says that nothing was compared; with few rows, how few."""
    text = card(store, "ver_new")
    assert "it was never compared" in text
    assert "No figure says how good it is." in text
    assert "no other attribute of users is on record" in text
    measured(store, difference=Score(mean=0.0, low=-0.2, high=0.2, n=30))
    assert "It was compared on 30 rows only." in card(store, "ver_new")


def test_data_training_changes_and_approval(store: Store) -> None:
    """The funnel, the origins, the recipe's change, the new label and the person's word are all there."""
    text = card(store, "ver_new")
    for said in ("| selected | 9 |", "3 examples (2 replay, 1 new), 1 of them from the log", "| lr | 0.1 | 0.2 |"):
        assert said in text
    for said in ("New labels: delivery|late. Labels gone: none.", "approved by ana: new catalog", "because: it pays"):
        assert said in text
    assert "| rank |" not in text.partition("## Changes since its parent")[2].partition("##")[0]
    assert "| delivery\\|late | 2 |" in text


def test_an_exact_head_adapts_nothing(store: Store) -> None:
    """Its recipe names an adapter and a rate, as every recipe does; it is solved, and the card says so. Beside a parent
    of another kind that stands among the changes. A head that is trained in steps has them.
    """
    recipe = plain(named("head", Train()))
    head = replace(store.versions.get("ver_new"), id="ver_head", kind=HEAD, recipe=recipe)
    store.versions.put(head)
    known, _, rest = card(store, "ver_head").partition("## Data")
    assert ("lora" in known, "| lr |" in known, "| adapt | nothing: a head is solved" in known) == (False, False, True)
    assert "| seed | 0 |" in known
    assert "| adapt | – | nothing: a head is solved" in rest.partition("## Changes since its parent")[2]
    steps = replace(head, id="ver_steps", recipe={**recipe, "objective": {"classified": {}}})
    store.versions.put(steps)
    assert "| adapt | lora " in card(store, "ver_steps")
    assert {field.name for field in fields(Recipe)} >= STEPS


def test_nothing_that_users_wrote(store: Store) -> None:
    """No request stands in a card, a datasheet, or what they are made of."""
    documents = [
        card(store, "ver_new"),
        str(record(store, store.versions.get("ver_new"))),
        str(datasheet(store, _data(store))),
    ]
    assert not any("Ada" in document for document in [*documents, card(store, _data(store))])


def _data(store: Store) -> str:
    return store.versions.get("ver_new").dataset


def test_hubs_can_read_the_front(store: Store) -> None:
    """What stands in front is YAML with the base, the library and the newest figure in the form of a model index."""
    measured(store)
    front = yaml.safe_load(card(store, "ver_new").split("---\n")[1])
    assert (front["base_model"], front["library_name"]) == ("b", "peft")
    (result,) = front["model-index"][0]["results"]
    assert result["metrics"] == [{"type": "accuracy", "value": 0.9123}]
    assert yaml.safe_load(card(store, _data(store)).split("---\n")[1])["tags"] == ["homeostat"]


def test_a_card_is_kept_as_it_was(store: Store) -> None:
    """What was written stays when the next one says more; the same one is noted once; a lost one shows."""
    first, hash = keep(store, "ver_new")
    assert keep(store, "ver_new") == (first, hash)
    measured(store)
    second, other = keep(store, "ver_new")
    assert written(store, "ver_new") == [hash, other]
    assert store.blobs.text(hash) == first != second
    assert store.verify() == []
    (store.blobs.root / "files" / hash[:2] / hash[2:]).unlink()
    assert store.verify() == [f"ver_new has a card {hash}, which is not there"]


def test_cards_do_not_change_by_themselves(store: Store) -> None:
    """A card is made of rows alone: nothing of the moment at which it is written is in it."""
    assert card(store, "ver_new") == card(store, "ver_new")
    assert "A bare base" not in card(store, "ver_old")
    with pytest.raises(NotFound):
        card(store, "ver_none")


def test_the_slice_that_suffers_most_stands_on_the_card(store: Store) -> None:
    """By name, under its disturbance, and whether that is shown; of older reports nothing is said of it."""
    measured(store)
    assert "hardest on" not in card(store, "ver_new")
    report = store.reports.get("rep_1")
    weak = Weakest(slice="language=de", score=SCORE, plain=SCORE, beyond=SCORE, shown=False, among=7)
    trial = report.suites["suite golden"]
    parts = {f"suite golden under {name}": replace(trial, weakest=replace(weak, shown=name == "cut")) for name in UNDER}
    store.reports.put(replace(report, id="rep_2", suites=parts))
    said = card(store, "ver_new")
    assert "| suite golden under typos, hardest on language=de | 0.9123 |" in said
    assert "| suite golden under typos, language=de beyond other rows, not shown, of 7 |" in said
    assert "| suite golden under cut, language=de beyond other rows |" in said
