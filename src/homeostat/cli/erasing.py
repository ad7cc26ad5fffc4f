"""What `erase` tells: a plan before anything is done, and afterwards what was done and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homeostat.cli.places import text_of
from homeostat.cli.table import document, facts
from homeostat.errors import NotErased, UnsuitedModel
from homeostat.loop.making.rebuild import way
from homeostat.loop.undoing.erase import Erased, Plan
from homeostat.loop.workshop import Workshop
from homeostat.store.erased import learned_from_erased
from homeostat.store.remains import Remains

Told = tuple[dict[str, Any], tuple[str, str, str] | None]
"""What is printed, and what, where and how to mend it if something is left."""
WORDS = {
    "texts": "texts that only they have",
    "texts_shared": "texts that others have too",
    "dataset_rows": "rows of datasets",
    "answer_and_learned": "versions that answer and learned from them",
    "weights_to_remove": "weights that are removed",
    "withdraw_to": "--then withdraw goes back to",
    "retrain": "--then retrain makes again",
    "archived": "written to archives before",
    "answer_on": "answer on until another version does",
    "too_short": "too short to look for",
    "unread": "not looked into",
}
"""Keys of the documents -> what they are called in the tables, where that is more than the key."""
UNKNOWN = "nothing names this user now; if something should, look for a slip: names are compared letter by letter"
AGAIN = "say it again; if it is blocked once more, stop what runs on the project meanwhile"


def lines(file: Path | None) -> list[str]:
    """The lines of a file that have words in them; none without a file.

    Raises:
        NotText: the file cannot be read.
    """
    return [line for line in text_of(file).splitlines() if line.strip()] if file else []


def done_with(title: str, told: Told, *, as_json: bool) -> None:
    """Print what there is to tell.

    Raises:
        NotErased: something is left.
    """
    said, left = told
    document(said) if as_json else facts(title, {_words(name): value for name, value in said.items()})
    if left:
        raise NotErased(left[0], where=left[1], fix=left[2])


def _words(name: str) -> str:
    """What a key of the document is called in the table."""
    return WORDS.get(name, name.replace("_", " "))


def told_of_plan(shop: Workshop, plan: Plan) -> Told:
    """What would be done, as names and values."""
    traces = plan.traces
    said = {
        "found_by": dict(traces.matched),
        "mind": _unknown(plan),
        "requests": len(traces.interactions),
        "statements": len(traces.feedback),
        "texts": len(traces.texts),
        "texts_shared": traces.shared,
        "dataset_rows": plan.datasets,
        "test_rows": plan.tests,
        "answer_and_learned": list(plan.flagged),
        "weights_to_remove": list(plan.removed),
        "withdraw_to": {task: version or "none" for task, version in plan.clean.items()},
        "retrain": {version: _way(shop, plan, version) for version in plan.flagged},
        "archived": list(plan.exported),
        "done": "nothing yet; --yes does it" if not plan.empty else "nothing, for there is nothing to do",
    }
    return said, None


def told_of(shop: Workshop, plan: Plan, done: Erased, withdrawn: dict[str, str], made: dict[str, str]) -> Told:
    """What was done, and what is left."""
    said = {
        "user": plan.traces.name if plan.traces.user else "",
        "found_by": dict(plan.traces.matched),
        "mind": _unknown(plan),
        "rows": done.rows,
        "datasets_rebuilt": done.datasets,
        "files": done.blobs,
        "weights_removed": list(done.removed),
        "answers_now": withdrawn,
        "answer_on": list(done.flagged),
        "made_again": made,
        "archived": list(plan.exported),
        **_scan(done.remains),
    }
    if done.blocked:
        return said, (f"the database's files still hold what was deleted: {done.blocked}", shop.config.database, AGAIN)
    return said, _left(done.remains)


def _unknown(plan: Plan) -> str:
    """A sentence where a user was named whom nothing names; whoever mistypes a name should not think it is gone."""
    return UNKNOWN if plan.traces.user and not plan.traces.matched else ""


def told_of_check(remains: Remains) -> Told:
    """What a scan has found."""
    return _scan(remains), _left(remains)


def _scan(remains: Remains) -> dict[str, Any]:
    return {
        "looked_for": remains.looked_for,
        "too_short": remains.too_short,
        "files_looked_through": remains.files,
        "bytes_looked_through": remains.bytes,
        "left_in": remains.found,
        "unread": list(remains.unread),
    }


def _left(remains: Remains) -> tuple[str, str, str] | None:
    if remains.found:
        files = len(remains.found)
        fix = "if a version that answers holds them, release another and say it again; else remove the file"
        return f"texts are left in {files} file{'s' * (files > 1)}", next(iter(remains.found)), fix
    if remains.unread:
        return f"{len(remains.unread)} files could not be looked into", remains.unread[0], "look at them yourself"
    return None


def _way(shop: Workshop, plan: Plan, version: str) -> str:
    tainted = learned_from_erased(shop.store, also=plan.datasets)
    try:
        found = way(shop, shop.store.versions.get(version), tainted)
    except UnsuitedModel as problem:
        return problem.what
    begins = found.begins.id if found.begins else "the bare base"
    return f"{len(found.again)} training{'s' * (len(found.again) > 1)} from {begins}"
