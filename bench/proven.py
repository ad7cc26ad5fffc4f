"""What was kept of the proofs of methods, drawn together: of each method what was seen last in full.

Proofs are run in parts, and the bar (`bench/train_4.py`) is about all of them. A quick run, whose draws are those that
thresholds were chosen on, stands in where there is no other, and proves nothing. The last run in full is heard even if
it fell short: what passed once and failed later has failed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bars

from homeostat.stats.intervals import proportion

RESULTS = bars.HERE / "results" / "train.4.json"


def kept(path: Path) -> dict[str, Any]:
    """The document that was kept, or one without lines."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"lines": []}
    return found


def last(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Method, as `adapt.lora` -> what was kept of it last, with its `date` and whether in a `quick` run alone.

    A quick run is heard where there is no other, and only of methods whose proofs it has all run.
    """
    found: dict[str, dict[str, Any]] = {}
    for line in document["lines"]:
        for name, told in line["methods"].items():
            quick = bool(told.get("quick", line["quick"]))
            if quick and (told["outcome"] == "not there" or not found.get(name, {"quick": True})["quick"]):
                continue
            drawn = {"first": line["first"]} if told.get("over") == "draws" and line.get("first") else {}
            found[name] = {"date": document.get("date"), **drawn, **told, "quick": quick}
    return found


def is_sure(told: Mapping[str, Any]) -> bool:
    """Whether the whole interval of an effect lies above 0."""
    return "interval" in told and told["interval"][0] is not None and told["interval"][0] > 0


def drawn_together(document: Mapping[str, Any], methods: Collection[str]) -> dict[str, Any]:
    """One line of the bar over all methods that there are, of which those that were never run have not passed; what was
    kept of others is left behind. It is met if every method's proofs passed in full with an effect surely above 0.
    """
    seen = last(document)
    told = {name: seen[name] for name in methods if name in seen}
    full = {name: said for name, said in told.items() if not said["quick"]}
    passed = [name for name, said in full.items() if said["outcome"] == "passed"]
    share = proportion(len(passed), max(len(methods), 1))
    return {
        "bar": "train.4",
        "value": round(share.mean, 5),
        "interval": [round(share.low, 5), round(share.high, 5)],
        "n": len(methods),
        "goal": 1.0,
        "met": bool(methods) and len(passed) == len(methods) and all(is_sure(said) for said in full.values()),
        "seconds": round(sum(said["seconds"] for said in told.values()), 1),
        "quick": False,
        "only": [],
        "not_run_in_full": [name for name in methods if name not in full],
        "did_not_pass": [name for name in full if name not in passed],
        "without_a_sure_effect": [name for name, said in full.items() if not is_sure(said)],
        "trouble": "",
        "methods": told,
    }


def write(path: Path, line: Mapping[str, Any] | None, methods: Collection[str]) -> dict[str, Any]:
    """Draw a run's line together with all that was kept before, or what was kept alone; keep and return that."""
    today, before = datetime.now(UTC).date().isoformat(), kept(path)
    new = [] if line is None else [{**line, "methods": {k: {"date": today, **v} for k, v in line["methods"].items()}}]
    after = drawn_together({**before, "lines": [*before["lines"], *new]}, methods)
    document = {
        "date": today,
        "command": "python bench/train_4.py --table",
        "machine": bars.machine() if new else before.get("machine"),
        "lines": [after],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return after
