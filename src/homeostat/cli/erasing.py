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
    document(said) if as_json else facts(title, said)
    if left:
        raise NotErased(left[0], where=left[1], fix=left[2])


def told_of_plan(shop: Workshop, plan: Plan) -> Told:
    """What would be done, as names and values."""
    traces = plan.traces
    said = {
        "found by": dict(traces.matched),
        "mind": _unknown(plan),
        "requests": len(traces.interactions),
        "statements": len(traces.feedback),
        "texts that only they have": len(traces.texts),
        "texts that others have too": traces.shared,
        "rows of datasets": plan.datasets,
        "test rows": plan.tests,
        "versions that answer and learned from them": list(plan.flagged),
        "weights that are removed": list(plan.removed),
        "--then withdraw goes back to": {task: version or "none" for task, version in plan.clean.items()},
        "--then retrain makes again": {version: _way(shop, plan, version) for version in plan.flagged},
        "written to archives before": list(plan.exported),
        "done": "nothing yet; --yes does it" if not plan.empty else "nothing, for there is nothing to do",
    }
    return said, None


def told_of(shop: Workshop, plan: Plan, done: Erased, withdrawn: dict[str, str], made: dict[str, str]) -> Told:
    """What was done, and what is left."""
    said = {
        "user": plan.traces.name if plan.traces.user else "",
        "found by": dict(plan.traces.matched),
        "mind": _unknown(plan),
        "rows": done.rows,
        "datasets rebuilt": done.datasets,
        "files": done.blobs,
        "weights removed": list(done.removed),
        "answers now": withdrawn,
        "answer on until another version does": list(done.flagged),
        "made again": made,
        "written to archives before": list(plan.exported),
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
        "looked for": remains.looked_for,
        "too short to look for": remains.too_short,
        "files looked through": remains.files,
        "bytes looked through": remains.bytes,
        "left in": remains.found,
        "not looked into": list(remains.unread),
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
