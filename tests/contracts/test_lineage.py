"""`why`: from any id both ways, by name where there is little and by number where there is much."""

from dataclasses import replace

import pytest

from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.store.lineage import Tree, lines, why
from homeostat.types.dataset import Dataset
from homeostat.types.decision import Action, Decision
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Report, Score, Verdict
from homeostat.types.signal import Moved, Signal
from homeostat.types.turn import Turn
from homeostat.types.version import Version

SCORE = Score(mean=0.9, low=0.8, high=1.0, n=60)


def story(store: Store, requests: int) -> None:
    """One turn: requests, a label for every second, and all that came of them."""
    store.versions.put(Version(id="ver_old", task="t", time=0.0, base="builtin", kind="base"))
    log = [
        Interaction(id=f"int_{n:03d}", task="t", time=float(n), text=f"request {n}", reply="a", version="ver_old")
        for n in range(requests)
    ]
    store.interactions.add([*log, replace(log[0], id="int_shadow", role=Role.SHADOW, of="int_000", version="ver_new")])
    store.feedback.add(
        Feedback(
            id=f"fbk_{n:03d}", interaction=f"int_{n:03d}", kind=FeedbackKind.LABEL, value="b", time=99.0, source="u"
        )
        for n in range(0, requests, 2)
    )
    store.signals.put(
        Signal(
            id="sig_1", task="t", time=1.0, moved=Moved.NOVELTY, detector="sr", statistic=7.0, threshold=5.0, n=9,
            examples=("int_000",),
        )
    )  # fmt: skip
    store.decisions.put(
        Decision(id="dec_1", task="t", time=2.0, action=Action.RETRAIN, because="retrain: it pays", signals=("sig_1",))
    )
    store.datasets.put(Dataset(id="dst_1", task="t", time=3.0, blob="", counts={"mixed": requests}))
    store.lineage.link_all(("dst_1", one.id, "learned from") for one in log)
    store.versions.put(
        Version(id="ver_new", task="t", time=4.0, base="builtin", parent="ver_old", dataset="dst_1", labels=("a", "b"))
    )
    store.reports.put(
        Report(
            id="rep_1", task="t", time=5.0, candidate="ver_new", champion="ver_old", metric="accuracy",
            candidate_score=SCORE, champion_score=SCORE, difference=SCORE,
        )
    )  # fmt: skip
    store.verdicts.put(
        Verdict(
            id="vdt_1", task="t", time=6.0, report="rep_1", candidate="ver_new", outcome=Outcome.PASS, because="better"
        )
    )
    store.turns.put(
        Turn(id="trn_1", task="t", time=1.0, diary={"decide": "dec_1", "curate": "dst_1", "train": "ver_new"})
    )
    store.releases.put(
        Release(id="rel_1", task="t", time=7.0, stage=Stage.FULL, champion="ver_new", because="the canary held")
    )
    store.aliases.set("t", "champion", "ver_new")


def ids(trees: tuple[Tree, ...]) -> list[str]:
    """Ids of trees, or what they say where they stand for many."""
    return [tree.id or tree.says for tree in trees]


def find(tree: Tree, id: str, side: str) -> Tree:
    """The tree of an id below another."""
    found = [below for below in _all(tree, side) if below.id == id]
    return max(found, key=lambda one: len(getattr(one, side)))


def _all(tree: Tree, side: str) -> list[Tree]:
    below: list[Tree] = []
    for branch in getattr(tree, side):
        below += [branch, *_all(branch, side)]
    return below


def test_version_back_to_its_requests(store: Store) -> None:
    """From a version back: its dataset, the requests in it by name, and the labels that taught it."""
    story(store, 4)
    tree = why(store, "ver_new")
    assert tree.says == "champion, lora on builtin, candidate, 2 labels"
    assert ids(tree.came_from) == ["ver_old", "dst_1", "trn_1"]
    dataset = find(tree, "dst_1", "came_from")
    assert dataset.says == "4 examples"
    assert [one for one in ids(dataset.came_from) if one.startswith("int")] == [
        "int_000",
        "int_001",
        "int_002",
        "int_003",
    ]
    assert ids(dataset.came_from[1].came_from) == []
    assert ids(dataset.came_from[2].came_from) == ["fbk_002"]
    assert dataset.came_from[2].came_from[0].says == "label “b” by u"
    decision = find(tree, "trn_1", "came_from").came_from[0]
    assert (decision.id, decision.says, ids(decision.came_from)) == ("dec_1", "retrain: it pays", ["sig_1"])


def test_version_on_to_what_came_of_it(store: Store) -> None:
    """From a version on: the report, its verdict, the release, and what it answered."""
    story(store, 4)
    tree = why(store, "ver_new")
    assert ids(tree.led_to) == ["rel_1", "rep_1", "int_shadow"]
    assert ids(tree.led_to[1].led_to) == ["vdt_1"]
    assert tree.led_to[1].says == "accuracy 0.900 beside 0.900, n=60"
    assert tree.led_to[0].says == "full: the canary held"


def test_many_are_counted(store: Store) -> None:
    """More than twenty of a kind are a number, with the number of what was said of them and three examples."""
    story(store, 60)
    dataset = why(store, "dst_1")
    counted = next(tree for tree in dataset.came_from if tree.count > 1)
    assert (counted.count, counted.says, counted.relation) == (60, "60 interactions", "learned from")
    assert [(tree.count, tree.says) for tree in counted.came_from if not tree.id] == [(30, "30 feedback")]
    assert [tree.id for tree in counted.came_from if tree.id] == ["int_000", "int_001", "int_002"]
    old = why(store, "ver_old")
    assert "60 interactions" in ids(old.led_to)


def test_copies_are_counted_apart(store: Store) -> None:
    """What a version replied to copies, which no user got, is no part of what it answered."""
    story(store, 4)
    log = store.interactions.list("t")
    store.interactions.add(replace(one, id=f"int_new{one.id}", version="ver_new") for one in log)
    copies = [replace(log[0], id=f"int_c{n}", role=Role.SHADOW, of="int_000", version="ver_new") for n in range(29)]
    store.interactions.add(copies)
    tree = why(store, "ver_new")
    replies = [(branch.relation, branch.count) for branch in tree.led_to if "answered" in branch.relation]
    assert replies == [("answered by", 1)] * 4 + [("answered unseen by", 30)]
    assert "  → 30 interactions  (answered unseen by it)" in lines(tree)
    assert [branch.relation for branch in why(store, "int_c0").came_from] == ["answered unseen by", "copies"]


def test_request_on_to_the_version(store: Store) -> None:
    """From a request on to the dataset it is in, the version that learned it, and the release of that."""
    story(store, 4)
    tree = why(store, "int_000")
    assert tree.says == "“request 0” → “a”"
    assert ids(tree.came_from) == ["ver_old"]
    assert ids(tree.led_to) == ["dst_1", "sig_1", "fbk_000", "int_shadow"]
    assert ids(find(tree, "ver_new", "led_to").led_to)[:2] == ["rel_1", "rep_1"]


def test_feedback_both_ways(store: Store) -> None:
    """From a label back to its request, and on to what learned from it."""
    story(store, 4)
    tree = why(store, "fbk_000")
    assert ids(tree.came_from) == ["int_000"]
    assert "dst_1" in ids(tree.led_to)


@pytest.mark.parametrize("id", ["sig_1", "dec_1", "trn_1", "dst_1", "rep_1", "vdt_1", "rel_1", "int_shadow", "fbk_002"])
def test_every_noun_reaches_the_requests_and_the_release(store: Store, id: str) -> None:
    """Wherever one starts, the walk ends, and at least one way leads somewhere."""
    story(store, 30)
    tree = why(store, id)
    assert tree.says
    assert tree.came_from or tree.led_to


def test_lines(store: Store) -> None:
    """As text, the way back is marked by ← and the way on by →, a noun a line."""
    story(store, 30)
    text = lines(why(store, "ver_new"))
    assert text[0].startswith("ver_new  champion, lora on builtin")
    assert "  ← learned from dst_1  30 examples" in text
    assert "    ← learned from 30 interactions" in text
    assert "  → rep_1  accuracy 0.900 beside 0.900, n=60  (measures it)" in text


def test_long_line_of_versions_ends(store: Store) -> None:
    """A hundred turns in a row are walked as far as asked, and a noun met before is not walked again."""
    for n in range(100):
        store.versions.put(Version(id=f"ver_{n}", task="t", time=n, base="b", parent=f"ver_{n - 1}" if n else ""))
    assert len(_all(why(store, "ver_99"), "came_from")) == 8
    assert len(_all(why(store, "ver_99", depth=50), "came_from")) == 50
    store.lineage.link("ver_0", "ver_99", "continues")
    assert len(_all(why(store, "ver_99", depth=200), "came_from")) == 100


def test_edge_to_nothing(store: Store) -> None:
    """An id that lineage names but the store does not hold is shown as such."""
    story(store, 2)
    store.lineage.link("dst_1", "int_gone", "learned from")
    assert find(why(store, "dst_1"), "int_gone", "came_from").says == "not in the store"


@pytest.mark.parametrize("id", ["ver_none", "xyz_1", ""])
def test_unknown_id(store: Store, id: str) -> None:
    """An id that is not there, or is no id, is an error."""
    with pytest.raises(NotFound):
        why(store, id)
