"""The evidence is what the rows say: late, repeated, corrected or missing feedback included."""

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.evidence import Evidence
from homeostat.release.guard import gather, planned, tried
from homeostat.release.noted import note_error, note_race
from homeostat.release.ratings import overrating
from homeostat.release.registry import promote
from homeostat.release.rollout import open_canary, open_shadow
from homeostat.store import Store
from homeostat.types.feedback import PICKED, FeedbackKind
from homeostat.types.interaction import Role
from homeostat.types.release import Release
from release.rehearsal import RIGHT, TASK, WRONG, Traffic, add_version, interaction, label, open_store

SETTINGS = Settings(harm_alpha=0.01, alpha=0.05, harm_margin=0.05)
OLD, NEW = "ver_old", "ver_new"


def pair(store: Store, id: str, heard: tuple[str, str], copied: tuple[str, str], *, task: str = TASK) -> None:
    """(version, reply) that the user got, and that the copy got."""
    store.interactions.add([interaction(id, *heard, task=task), interaction(f"{id}s", *copied, of=id, task=task)])


def counts(seen: Evidence) -> tuple[int, int, float, float]:
    return seen.pairs, seen.judged, seen.candidate, seen.champion


def test_nothing_yet(store: Store, shadow: Release) -> None:
    """Without rows there is no evidence either way."""
    seen = gather(store, shadow, SETTINGS)
    assert (counts(seen), seen.difference, seen.errors) == ((0, 0, 0.0, 0.0), 0.0, 0)
    assert seen.harm == seen.safe == pytest.approx(0.0)


def test_pairs_count_before_they_are_judged(store: Store, shadow: Release) -> None:
    """A pair without feedback is a pair; with a label it is judged, for both versions."""
    pair(store, "int_1", (OLD, RIGHT), (NEW, WRONG))
    pair(store, "int_2", (OLD, RIGHT), (NEW, RIGHT))
    store.interactions.add([interaction("int_3", OLD, RIGHT)])
    assert counts(gather(store, shadow, SETTINGS)) == (2, 0, 0.0, 0.0)
    store.feedback.add([label("int_1"), label("int_3")])
    assert counts(gather(store, shadow, SETTINGS)) == (2, 1, 0.0, 1.0)


def test_the_canary_turns_the_pair_round(store: Store) -> None:
    """In the canary the user hears the candidate and the champion answers copies; those of the shadow do not count."""
    pair(store, "int_0", (OLD, RIGHT), (NEW, WRONG))
    release = open_canary(store, TASK, NEW, SETTINGS, "drill", now=2.0)
    pair(store, "int_1", (NEW, WRONG), (OLD, RIGHT))
    store.feedback.add(
        [
            label("int_0"),
            label("int_1"),
        ]
    )
    assert counts(gather(store, release, SETTINGS)) == (1, 1, 0.0, 1.0)


def test_the_canary_judges_copies_in_both_directions(store: Store) -> None:
    """A request that the champion answered while the canary drew lots is a pair too, scored the right way round."""
    release = open_canary(store, TASK, NEW, SETTINGS, "drill", now=2.0)
    pair(store, "int_1", (NEW, WRONG), (OLD, RIGHT))
    drawn = replace(interaction("int_2", OLD, RIGHT), probability=0.9)
    store.interactions.add([drawn, interaction("int_2s", NEW, WRONG, of="int_2")])
    store.feedback.add([label("int_1"), label("int_2")])
    assert counts(gather(store, release, SETTINGS)) == (2, 2, 0.0, 1.0)


def test_the_newest_feedback_counts_once(store: Store, shadow: Release) -> None:
    """Feedback that corrects an earlier one replaces it; saying it twice adds nothing; a rating judges nothing."""
    pair(store, "int_1", (OLD, WRONG), (NEW, RIGHT))
    store.feedback.add([label("int_1", RIGHT, at=10.0), label("int_1", WRONG, at=20.0)])
    store.feedback.add([label("int_1", WRONG, at=20.0), label("int_1", "0.5", kind=FeedbackKind.RATING, at=30.0)])
    assert counts(gather(store, shadow, SETTINGS)) == (1, 1, 0.0, 1.0)


def test_the_order_of_feedback_does_not_matter(tmp_path: Path) -> None:
    """Late labels give the same evidence as prompt ones."""
    found = []
    for order in (1, -1):
        folder = tmp_path / str(order)
        folder.mkdir()
        with open_store(folder) as store:
            promote(store, TASK, add_version(store, "old"), "first", now=1.0)
            add_version(store, "new")
            release = open_shadow(store, TASK, NEW, now=2.0)
            traffic = Traffic(store, accuracy={OLD: 0.9, NEW: 0.6}, labeled=0.0)
            for id in traffic.send(release, 60)[::order]:
                store.feedback.add([label(id)])
                gather(store, release, SETTINGS)
            found.append(gather(store, release, SETTINGS))
    assert found[0] == found[1]
    assert found[0].judged == 60


def test_harm_and_safety(store: Store, shadow: Release) -> None:
    """Losing pair after pair shows harm, winning them shows safety, and neither shows both."""
    for k in range(15):
        pair(store, f"int_{k}", (OLD, RIGHT), (NEW, WRONG))
    store.feedback.add([label(f"int_{k}") for k in range(15)])
    lost = gather(store, shadow, SETTINGS)
    assert (lost.harm_shown(SETTINGS), lost.safety_shown(SETTINGS)) == (True, False)
    store.feedback.add([label(f"int_{k}", WRONG, at=300.0) for k in range(15)])
    won = gather(store, shadow, SETTINGS)
    assert (won.harm_shown(SETTINGS), won.safety_shown(SETTINGS)) == (False, True)
    never = Settings(harm_alpha=0.0, alpha=0.0)
    assert not lost.harm_shown(never)
    assert not won.safety_shown(never)


def test_errors_need_no_feedback(store: Store, shadow: Release) -> None:
    """A failure of the candidate is a loss at once; where both failed it is nobody's; told twice it counts once."""
    for k in range(15):
        note_error(store, shadow, NEW, f"int_{k}", "out of memory")
        note_error(store, shadow, NEW, f"int_{k}", "out of memory")
    seen = gather(store, shadow, SETTINGS)
    assert seen.harm_shown(SETTINGS)
    assert seen.blamed() == "failures, 15 of 15 requests"
    for k in range(15):
        note_error(store, shadow, OLD, f"int_{k}", "the request is too long")
    seen = gather(store, shadow, SETTINGS)
    assert (seen.pairs, seen.judged, seen.difference, seen.errors) == (15, 0, 0.0, 15)
    assert not seen.harm_shown(SETTINGS)


def test_failures_weigh_against_all_requests(store: Store, shadow: Release) -> None:
    """A few failures among many requests without feedback are few, however few of the requests are judged."""
    store.interactions.add([interaction(f"int_{k}", OLD, RIGHT) for k in range(400)])
    store.interactions.add([interaction(f"int_{k}s", NEW, RIGHT, of=f"int_{k}") for k in range(400)])
    store.feedback.add([label(f"int_{k}") for k in range(20)])
    for k in range(4):
        note_error(store, shadow, NEW, f"int_failed{k}", "out of memory")
    seen = gather(store, shadow, SETTINGS)
    assert (seen.pairs, seen.judged, seen.errors, seen.failing) == (404, 20, 4, False)
    assert seen.harm < 0.0
    for k in range(4, 40):
        note_error(store, shadow, NEW, f"int_failed{k}", "out of memory")
    assert gather(store, shadow, SETTINGS).harm_shown(SETTINGS)


def test_a_race_is_fair_to_a_slow_machine(store: Store, shadow: Release) -> None:
    """What slows both sides alike shows no harm; a candidate that is much slower beside the champion does."""
    for k in range(40):
        note_race(store, shadow, f"int_{k}", {OLD: 40.0 * (1 + k % 7), NEW: 42.0 * (1 + k % 7)})
    assert not gather(store, shadow, SETTINGS).harm_shown(SETTINGS)
    for k in range(40):
        note_race(store, shadow, f"int_slow{k}", {OLD: 40.0 * (1 + k % 7), NEW: 400.0 * (1 + k % 7)})
    seen = gather(store, shadow, SETTINGS)
    assert seen.harm_shown(SETTINGS)
    assert seen.blamed() == "time, much slower in 50 % more of 80 requests"


def test_longer_replies_cost(store: Store, shadow: Release) -> None:
    """A candidate that writes much more than the champion for the same requests is shown to; a little more is borne."""
    for name, tokens in (("little", 30), ("much", 90)):
        for k in range(20):
            primary, copy = interaction(f"int_{name}{k}", OLD, RIGHT), interaction(f"int_{name}{k}s", NEW, RIGHT)
            primary = replace(primary, reply_tokens=25)
            copy = replace(copy, reply_tokens=tokens, role=Role.SHADOW, of=primary.id)
            store.interactions.add([primary, copy])
        assert gather(store, shadow, SETTINGS).harm_shown(SETTINGS) == (name == "much")


def sliced(store: Store, n: int, wrong: str) -> None:
    """Pairs of two segments in turn, all judged, in which the candidate is wrong about one of them."""
    for k in range(n):
        segment = ("home", "shop")[k % 2]
        reply = WRONG if segment == wrong else RIGHT
        primary = replace(interaction(f"int_{wrong}{k}", OLD, RIGHT), tags={"segment": segment, "all": "same"})
        copy = interaction(f"int_{wrong}{k}s", NEW, reply, of=primary.id)
        store.interactions.add([primary, copy])
        store.feedback.add([label(primary.id)])


def test_slices_are_planned_by_traffic(store: Store, shadow: Release) -> None:
    """Values of tags that are frequent when the stage begins are bet on, and those that are everything or rare not."""
    sliced(store, 40, "")
    store.interactions.add([replace(interaction("int_rare", OLD, RIGHT), tags={"segment": "school", "all": "same"})])
    assert planned(store, shadow) == {"segment=home": 20 / 41, "segment=shop": 20 / 41}
    store.interactions.add([replace(interaction(f"int_{k}", OLD, RIGHT), tags={"segment": "bank"}) for k in range(99)])
    assert list(planned(store, shadow)) == ["segment=home", "segment=shop"]


def test_harm_in_one_slice(store: Store, shadow: Release) -> None:
    """The whole stays safe for long where one slice is harmed: the slice is named, and nothing is taken for safe."""
    sliced(store, 60, "shop")
    seen = gather(store, shadow, SETTINGS)
    assert seen.harm_shown(SETTINGS)
    sizes = {game.name: game.n for game in seen.games}
    assert (sizes["segment=home"], sizes["segment=shop"]) == (30, 30)
    means = {game.name: game.mean for game in seen.games}
    assert (means["segment=home"], means["segment=shop"], means["quality"]) == (0.0, -1.0, -0.5)


def test_text_is_scored_by_chrf(store: Store) -> None:
    """Free text is not right or wrong: the reply nearer to the correction scores higher."""
    old, new = (add_version(store, name, task="replies", labels=()) for name in ("old_text", "new_text"))
    promote(store, "replies", old, "first", now=1.0)
    release = open_shadow(store, "replies", new, now=2.0)
    pair(store, "int_1", (old, "no idea"), (new, "your refund is on its way"), task="replies")
    store.feedback.add([label("int_1", "the refund is on its way", kind=FeedbackKind.CORRECTION)])
    seen = gather(store, release, SETTINGS)
    assert 0.0 <= seen.champion < 0.3 < 0.8 < seen.candidate <= 1.0


def test_a_margin_of_one(store: Store, shadow: Release) -> None:
    """Where nothing counts as harm, even a lost pair is computed without error and shows none."""
    pair(store, "int_1", (OLD, RIGHT), (NEW, WRONG))
    store.feedback.add([label("int_1")])
    assert not gather(store, shadow, Settings(harm_margin=1.0)).harm_shown(SETTINGS)


def test_of_a_user_the_first_judged_request_is_heard(store: Store, shadow: Release) -> None:
    """In the order of the labels, not of the requests; how many were judged is counted in users, and in episodes where
    nobody says who asks. Figures are of all pairs.
    """
    rows = [("int_1", {"user": "ann"}, ""), ("int_2", {"user": "ann"}, "e1"), ("int_3", {}, "e1"), ("int_4", {}, "e1")]
    for id, tags, episode in rows:
        for one in (interaction(id, OLD, RIGHT), interaction(f"{id}s", NEW, WRONG, of=id)):
            store.interactions.add([replace(one, tags=tags, episode=episode)])
    store.feedback.add([label("int_1", at=300.0), label("int_2", WRONG, at=200.0), label("int_3"), label("int_4")])
    known = tried(store, shadow)
    assert [(one.whose, one.candidate - one.champion) for one in known.judged] == [
        ("user ann", 1.0),
        ("episode e1", -1.0),
        ("episode e1", -1.0),
        ("user ann", -1.0),
    ]
    assert list(known.readers) == ["user ann", "user ann", "episode e1", "episode e1"]
    seen = gather(store, shadow, SETTINGS)
    assert (seen.judged, seen.users) == (4, 2)
    assert counts(seen) == (4, 4, 0.25, 0.75)


def test_who_corrects_a_label_moves_nothing(store: Store, shadow: Release) -> None:
    """The pair stays where its first label has put it, with what the newest says: nobody chooses by a second label
    which request of a user is heard.
    """
    for id in ("int_1", "int_2"):
        for one in (interaction(id, OLD, RIGHT), interaction(f"{id}s", NEW, WRONG, of=id)):
            store.interactions.add([replace(one, tags={"user": "ann"})])
    store.feedback.add([label("int_1", at=200.0), label("int_2", at=300.0)])
    before = gather(store, shadow, SETTINGS)
    store.feedback.add([label("int_1", at=400.0)])
    assert gather(store, shadow, SETTINGS) == before
    store.feedback.add([label("int_1", WRONG, at=500.0)])
    assert [one.candidate - one.champion for one in tried(store, shadow).judged] == [1.0, -1.0]


def test_people_say_what_is_right_and_judges_where_they_do_not(store: Store, shadow: Release) -> None:
    """A judge's later label takes nobody's place; one that overrates the candidate is not heard at all."""
    for id in ("int_1", "int_2"):
        pair(store, id, (OLD, RIGHT), (NEW, WRONG))
    store.feedback.add([label("int_1", RIGHT, at=200.0)])
    said = [replace(label(id, WRONG, at=300.0), source="judge:large") for id in ("int_1", "int_2")]
    store.feedback.add(said)
    assert [one.candidate - one.champion for one in tried(store, shadow).judged] == [-1.0, 1.0]
    store.state.put(overrating(NEW), {"judge:large": {"shown": True}})
    assert [one.candidate - one.champion for one in tried(store, shadow).judged] == [-1.0]


def test_what_was_asked_for_is_no_evidence(store: Store, shadow: Release) -> None:
    """A label that was asked for because the model was unsure judges no pair, nor does one whose place it takes."""
    for id in ("int_1", "int_2"):
        pair(store, id, (OLD, RIGHT), (NEW, WRONG))
    store.feedback.add([replace(label(id, at=300.0), source=f"{PICKED}ann") for id in ("int_1", "int_2")])
    store.feedback.add([label("int_2", at=200.0)])
    assert gather(store, shadow, SETTINGS).judged == 0
