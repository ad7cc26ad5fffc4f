"""Cards: what a version is, and what a dataset holds, as markdown with YAML in front, written from what is on record.

A model card (Mitchell et al. 2019, 1810.03993) and a datasheet (Gebru et al. 2021, 1803.09010) say the same of every
version because nobody writes them: what was not measured is said not to have been. The YAML is what model hubs read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import yaml

from homeostat.release.record import Document, datasheet, record
from homeostat.store import Store
from homeostat.types.version import HEAD

FEW = 100
"""Test rows under which a card warns of their number."""
SHOWN = 40
"""Labels that are listed with their counts."""
SOLVED = "nothing: a head is solved, on the base as it is"
"""What an exact head adapts, whatever its recipe's default says."""
STEPS = frozenset(
    {
        *("lr", "epochs", "batch_rows", "part_rows", "max_steps", "back_offs"),
        *("optimizer", "schedule", "warm_up", "floor", "weight_decay", "clip", "average"),
        *("patience", "looks", "importance", "save_memory", "sharded"),
    }
)
"""Fields of a recipe that say how steps are taken."""


def card(store: Store, id: str) -> str:
    """The card of a version, or the datasheet of a dataset, as it is now.

    Raises:
        NotFound: there is none of this id.
    """
    if id.startswith("dst_"):
        return _joined({"license": "other", "tags": ["homeostat"]}, [f"# {id}", *_sheet(datasheet(store, id))])
    known = record(store, store.versions.get(id))
    return _joined(_front(known), [f"# {id}", *_model(known)])


def keep(store: Store, id: str) -> tuple[str, str]:
    """Write a card down for good: (its text, the hash it is kept under). The audit log tells of it."""
    text = card(store, id)
    hash = store.blobs.put_text(text)
    if hash not in written(store, id):
        store.audit.note("card", id, hash)
    return text, hash


def written(store: Store, id: str) -> list[str]:
    """The hashes of all cards that were written of a version or a dataset, oldest first."""
    return [entry.hash for entry in store.audit.list(id) if entry.what == "card"]


def _joined(front: Mapping[str, Any], parts: Sequence[str]) -> str:
    head = yaml.safe_dump(dict(front), sort_keys=True, allow_unicode=True).strip()
    return "\n".join(["---", head, "---", "", *parts, ""])


def _front(known: Document) -> Document:
    version, reports = known["version"], known["reports"]
    front: Document = {"base_model": version["base"], "tags": ["homeostat", version["kind"]]}
    front["library_name"] = "peft" if version["kind"] in ("lora", "prompt", "prefix") else "homeostat"
    if reports:
        measured = {"type": reports[-1]["metric"], "value": round(reports[-1]["candidate_score"]["mean"], 4)}
        result = {"task": {"type": "text-classification" if version["labels"] else "text-generation"}}
        data = {"name": f"test rows of {version['task']}", "type": "homeostat"}
        front["model-index"] = [
            {"name": version["id"], "results": [{**result, "dataset": data, "metrics": [measured]}]}
        ]
    return front


def _model(known: Document) -> Iterator[str]:
    version, turn = known["version"], known["turn"]
    names = f", {' and '.join(known['aliases'])}" if known["aliases"] else ""
    what = f"{version['kind']} on `{version['base']}`, {version['state']}{names}"
    yield f"\nA version of task `{version['task']}`: {what}."
    if turn.get("because"):
        yield f"\nIt was made because: {turn['because']}"
    yield "\n## Training\n"
    yield _table(("what", "value"), [*_training(version), ("taught by", ", ".join(version["teachers"]) or "–")])
    yield "\n## Data"
    yield from (
        _sheet(known["dataset"])
        if known["dataset"]
        else ["\nNo dataset is on record: a bare base, or one made elsewhere."]
    )
    yield "\n## What was measured\n"
    yield from _measured(known)
    if known["offsets"]:
        yield "\n## What it adds for groups\n"
        yield from _added(known["offsets"])
    yield "\n## Changes since its parent\n"
    yield from _changes(version, known["parent"])
    yield "\n## Approvals and releases\n"
    yield from _story(known)
    yield "\n## Limits\n"
    yield from (f"- {limit}" for limit in _limits(known))
    yield "\n## Where it can be checked\n"
    hashes = [
        ("weights", version["blob"]),
        ("dataset", known["dataset"].get("blob", "")),
        ("signed by", known["signed_by"]),
    ]
    yield _table(("what", "hash"), [(name, value or "–") for name, value in hashes])


def _recipe(version: Document) -> Document:
    """What a version was made by; of an exact head without what only steps have a use for, for it is solved."""
    recipe: Document = version["recipe"]
    objective = recipe.get("objective")
    if version["kind"] != HEAD or not isinstance(objective, Mapping) or "exact" not in objective:
        return recipe
    return {name: SOLVED if name == "adapt" else value for name, value in recipe.items() if name not in STEPS}


def _training(version: Document) -> list[tuple[str, str]]:
    settings = {**_recipe(version), **{f"cost: {name}": value for name, value in version["cost"].items()}}
    return [("made at", _when(version["time"])), *((name, _said(value)) for name, value in sorted(settings.items()))]


def _sheet(known: Document) -> Iterator[str]:
    yield f"\nDataset `{known['id']}`, feedback up to {_when(known['time'])}. Rows left after each step of curation:\n"
    yield _table(("step", "rows"), [(step, f"{n:,}") for step, n in known["counts"].items()])
    if known["rebuilt"]:
        yield f"\nRows of it were erased since; what is left is dataset `{known['rebuilt']}`."
    if "examples" not in known:
        yield "\nThe examples themselves are not here."
        return
    origins = ", ".join(f"{n:,} {origin}" for origin, n in known["origins"].items())
    yield f"\n{known['examples']:,} examples ({origins}), {known['from_the_log']:,} of them from the log,"
    yield f"{known['letters']:,} letters, from {_when(known['since'])} to {_when(known['until'])}."
    yield f"It goes on from {', '.join(known['parents']) or 'no other dataset'}."
    if labels := known.get("per_label"):
        yield f"\n{len(labels)} labels have examples" + (
            f"; the {SHOWN} with most:\n" if len(labels) > SHOWN else ":\n"
        )
        yield _table(("label", "examples"), [(label, f"{n:,}") for label, n in list(labels.items())[:SHOWN]])


def _measured(known: Document) -> Iterator[str]:
    if not known["reports"]:
        yield "Nothing: it was never compared with a champion."
    for report in known["reports"]:
        rows = [("it", report["candidate_score"]), (f"champion {report['champion']}", report["champion_score"])]
        rows += [("difference", report["difference"])]
        rows += [(f"difference on {group}", score) for group, score in report["groups"].items()]
        for part, trial in report["suites"].items():
            rows += [(part, trial["candidate"]), (f"difference on {part}", trial["difference"]), *_weakest(part, trial)]
        yield f"Report `{report['id']}`, {report['metric']}, means with their intervals:\n"
        yield _table(("what", "mean", "low", "high", "n"), [(name, *_score(score)) for name, score in rows])
    for verdict in known["verdicts"]:
        yield f"\nThe gate: **{verdict['outcome']}**. {verdict['because']}"
    yield from _memory(known["memory"])
    yield from _fairness(known["groups"], bool(known["reports"]))


def _weakest(part: str, trial: Document) -> Iterator[tuple[str, Document]]:
    """The slice that suffers most under the disturbance of a part; nothing in reports that are older."""
    if of := trial.get("weakest"):
        shown = "" if of["shown"] else f", not shown, of {of['among']}"
        yield f"{part}, hardest on {of['slice']}", of["score"]
        yield f"{part}, {of['slice']} beyond other rows{shown}", of["beyond"]


def _fairness(groups: Document, reported: bool) -> Iterator[str]:
    """How right it is for every group of users that the test rows tell apart, by the newest report."""
    if not groups:
        compared = "the groups above are all that was compared" if reported else "no groups of users were compared"
        yield f"\nFairness: {compared}; no other attribute of users is on record."
        return
    yield "\nFairness: how right it is for the groups of users that its newest test rows tell apart by tags; no other"
    yield "attribute of users is on record. What was demanded of gaps stands in the gate's words.\n"
    rows = [
        (name if side == "it" else f"{side}, {name}", *_score(scores[side]))
        for name, scores in groups.items()
        for side in ("it", "champion", "difference")
    ]
    yield _table(("of", "mean", "low", "high", "n"), rows)


def _memory(held: Document) -> Iterator[str]:
    """What it took to answer, where that was measured."""
    if not held:
        yield "\nMemory: not measured (`homeostat memory`)."
        return
    peak = held["peak"]
    yield f"\nMemory, in bytes, while it answered {held['requests']:,} requests on {_when(held['time'])}, in"
    yield f"{peak['n']} processes one after the other that did nothing else; the most is of the {held['device']}:\n"
    rows = [("weights of the base", held["base"]), ("files of the version", held["version"])]
    told: list[tuple[str, ...]] = [(name, f"{value:,}", "–", "–", "–") for name, value in rows]
    scores = {**{f"resident, {name}": score for name, score in held["steps"].items()}, "most": peak}
    for name, one in scores.items():
        told.append((name, *(_bytes(one[end]) for end in ("mean", "low", "high")), str(one["n"])))
    yield _table(("what", "mean", "low", "high", "n"), told)


def _bytes(value: float | None) -> str:
    return f"{value:,.0f}" if value is not None and abs(value) != float("inf") else "–"


def _added(offsets: Document) -> Iterator[str]:
    """Thresholds per group: what is added, and what that did to rows held out."""
    found, tags = offsets["measured"], ", ".join(offsets["tags"])
    kept = "Kept" if found["kept"] else "Fitted and not kept: it adds nothing"
    yield f"Offsets on labels' log-probabilities, by the request's {tags}. {kept}; {found['because']}.\n"
    if "before" in found:
        yield f"On {found['rows']:,} rows held out, the widest gap between groups in how often a label is right:\n"
        rows = [(side, *_gap(found[side]), f"{found[f'accuracy_{side}']:.4f}") for side in ("before", "after")]
        yield _table(("offsets", "label", "gap", "low", "high", "accuracy, groups and labels alike"), rows)
    if offsets["shifts"]:
        yield "\nAdded, in nats, where a request carries the tag; where it does not, nothing:\n"
        rows = [
            (", ".join(shift["group"]), label, f"{value:+.3f}")
            for shift in offsets["shifts"]
            for label, value in sorted(shift["offsets"].items())
        ]
        yield _table(("group", "label", "offset"), rows)


def _gap(found: Document) -> tuple[str, ...]:
    return found["label"], *(f"{value:.4f}" for value in found["gap"])


def _changes(version: Document, parent: Document) -> Iterator[str]:
    if not parent:
        yield "It has none on record."
        return
    new = [label for label in version["labels"] if label not in parent["labels"]]
    gone = [label for label in parent["labels"] if label not in version["labels"]]
    yield f"Parent `{parent['id']}`."
    yield f"New labels: {', '.join(new) or 'none'}. Labels gone: {', '.join(gone) or 'none'}.\n"
    before, now = _recipe(parent), _recipe(version)
    rows = [(name, _said(before.get(name)), _said(now.get(name))) for name in sorted({*before, *now})]
    yield _table(("recipe", "parent", "it"), [row for row in rows if row[1] != row[2]] or [("–", "–", "–")])


def _story(known: Document) -> Iterator[str]:
    yield f"Approval of its turn: {known['turn'].get('approval') or 'none was asked for'}."
    yield f"Sign-off of its release: {known['turn'].get('signed') or 'none was asked for'}."
    if known["releases"]:
        yield ""
        rows = [(_when(one["time"]), one["stage"], one["because"]) for one in known["releases"]]
        yield _table(("time (UTC)", "stage", "because"), rows)


def _limits(known: Document) -> Iterator[str]:
    version = known["version"]
    yield f"Made for task `{version['task']}` alone; on other requests nothing is known of it."
    if version["labels"]:
        yield f"It replies with one of {len(version['labels'])} labels, whatever it is asked."
    for report in known["reports"][-1:]:
        if report["difference"]["n"] < FEW:
            yield f"It was compared on {report['difference']['n']} rows only."
        if weak := [group for group, score in report["groups"].items() if score["low"] < 0.0]:
            yield f"That it lost nothing is not shown beyond its interval on: {', '.join(weak)}."
    if not known["reports"]:
        yield "No figure says how good it is."
    if known["offsets"].get("shifts"):
        yield f"It decides by {', '.join(known['offsets']['tags'])}: see that this is lawful where it answers."
    if not known["signed_by"]:
        yield "It is not signed."
    if known["erased_from"]:
        yield f"It has learned from rows that were erased since, of dataset `{known['erased_from']}`."
    yield "What it learned, it learned from what people said was right; their mistakes are its own."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str) -> str:
    return " ".join(value.replace("|", "\\|").split())


def _score(score: Mapping[str, Any]) -> tuple[str, ...]:
    return (*(f"{score[name]:.4f}" for name in ("mean", "low", "high")), f"{score['n']:,}")


def _said(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping) and value:
        return ", ".join(f"{name} {_said(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple) and value:
        return ", ".join(map(_said, value))
    return "–" if value in (None, "", [], {}) else str(value)


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M") if moment else "–"
