"""Erasing a user from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, stream, version
from homeostat.config.load import load
from homeostat.curate.snapshot import examples
from homeostat.errors import EmptyStream, NotErased, NoWayBack
from homeostat.release.registry import promote
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.version import State

USER = "dora@example.com"
SECRETS = [f"the pump with number {4711 * k} in flat {k} of mine leaks" for k in range(1, 5)]


def asks(store: Store, by: str) -> None:
    """The user asks, and somebody says what is right; so do others."""
    for k, text in enumerate([*SECRETS, "what anybody may ask about a parcel", "and somebody else about a refund"]):
        row = Interaction(
            id=f"int_{k}",
            task="routing",
            time=START + 5000 + k,
            text=text,
            reply="refund",
            version=by,
            tags={"user": USER} if text in SECRETS else {},
        )
        store.interactions.add([row])
        value = ("refund", "delivery")[k % 2]
        said = Feedback(id=f"fbk_{k}", interaction=row.id, kind=FeedbackKind.LABEL, value=value, time=row.time)
        store.feedback.add([said])


@pytest.fixture
def learned(homeostat: Run, small: Path, tmp_path: Path) -> Iterator[Store]:
    """A project whose champion has learned from the user, and the one before it has not."""
    homeostat("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    config = load(small)
    with Store.open(config.database, config.blobs) as store:
        asks(store, store.aliases.all("routing")["champion"])
        made = homeostat("train", "routing", "--config", small, "--json").json
        promote(store, "routing", made["version"], "for a test", now=START)
        yield store


def test_nothing_is_done_until_it_is_said(learned: Store, homeostat: Run, small: Path) -> None:
    """Without `--yes`, and with `--plan` besides, what would be done is told and nothing is; for a name that is only
    part of another, that there is nothing to do.
    """
    head = learned.audit.head()
    told = homeostat("erase", "--user", USER, "--config", small, "--json").json
    assert (told["requests"], told["statements"], told["found_by"]) == (4, 4, {"tag user": 4})
    assert list(told["dataset_rows"].values()) == [4]
    assert told["answer_and_learned"] == [learned.aliases.all("routing")["champion"]]
    assert "1 training from ver_" in next(iter(told["retrain"].values()))
    table = homeostat("erase", "--user", USER, "--config", small, "--yes", "--plan")
    assert table.code == 0
    assert "versions that answer and learned from them" in table.out
    assert all(name.isidentifier() for name in told)
    assert learned.audit.head() == head
    none = homeostat("erase", "--user", USER[1:], "--config", small, "--json").json
    assert (none["requests"], none["done"]) == (0, "nothing, for there is nothing to do")
    assert (told["mind"], "look for a slip" in none["mind"]) == ("", True)
    assert "look for a slip" in homeostat("erase", "--user", USER[1:], "--config", small, "--yes").out
    assert homeostat("erase", "--config", small, "--json").json["mind"] == ""  # nobody was named


def test_erased_made_again_and_finished(learned: Store, homeostat: Run, small: Path, tmp_path: Path) -> None:
    """The rows are gone, a candidate without them is there; once it answers, the old weights go too. Nothing is left:
    the scan that found the words before finds none; the store is sound.
    """
    words = tmp_path / "words.txt"
    words.write_text("\n".join(SECRETS) + "\n")
    before = homeostat("erase", "check", words, "--config", small, "--json")
    assert before.code == NotErased.exit
    assert set(before.json["left_in"].values()) == {4}
    old = learned.aliases.all("routing")["champion"]
    done = homeostat("erase", "--user", USER, "--config", small, "--yes", "--then", "retrain", "--json")
    assert done.code == 0, done.err
    assert USER not in done.out
    assert done.json["answer_on"] == [old]
    new = done.json["made_again"][old]
    assert learned.versions.get(new).state is State.CANDIDATE
    assert not {row.text for row in examples(learned, learned.versions.get(new).dataset)} & set(SECRETS)
    assert homeostat("promote", new, "--config", small).code == 0
    finished = homeostat("erase", "--config", small, "--yes", "--json").json
    assert finished["weights_removed"] == [old]
    clean = homeostat("erase", "check", words, "--config", small)
    assert (clean.code, "looked through" in clean.out) == (0, True)
    words.write_text("pump\n\nflat 7\n")
    short = homeostat("erase", "check", words, "--config", small)
    assert short.code == EmptyStream.exit  # 0 would say that none is left
    assert "no text of 8 letters" in short.err
    assert learned.verify() == []
    assert homeostat("verify", "--config", small).code == 0
    assert json.loads(homeostat("versions", "--id", old, "--config", small, "--json").out)["state"] == "erased"


def test_back_at_once(learned: Store, homeostat: Run, small: Path) -> None:
    """The version before, which never saw the user, answers again; the other one's weights are gone at once."""
    old = learned.aliases.all("routing")["champion"]
    done = homeostat("erase", "--user", USER, "--config", small, "--yes", "--then", "withdraw", "--json").json
    assert done["answers_now"] == {"routing": learned.versions.get(old).parent}
    assert done["weights_removed"] == [old]
    assert learned.aliases.all("routing")["champion"] == learned.versions.get(old).parent


def test_no_way_back(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Where the first version saw the rows there is none to go back to; rows of a file are named by their texts."""
    homeostat("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    config, rows = load(small), tmp_path / "rows.txt"
    with Store.open(config.database, config.blobs) as store:
        (dataset,) = store.datasets.list()
        rows.write_text(examples(store, dataset.id)[0].text + "\n")
        head = store.audit.head()
        refused = homeostat("erase", "--rows", rows, "--config", small, "--yes", "--then", "withdraw")
        assert refused.code == NoWayBack.exit
        assert store.audit.head() == head
        assert homeostat("erase", "--rows", rows, "--config", small, "--yes").code == 0
        assert store.verify() == []


def test_what_is_left_is_told(homeostat: Run, shop: Path, store: Store) -> None:
    """A file that somebody put there is named, with exit code 46 and what to do; the database's rows are gone."""
    champion(store, "one")
    asks(store, version(store, "two").id)
    stray = Path(load(shop).folder) / "notes.txt"
    stray.write_text(f"told on the phone: {SECRETS[2]}\n")
    done = homeostat("erase", "--user", USER, "--config", shop, "--yes")
    assert (done.code, stray.name in done.err) == (NotErased.exit, True)
    assert store.interactions.count("routing") == 2
    stray.unlink()
    assert homeostat("erase", "--config", shop, "--yes").code == 0
