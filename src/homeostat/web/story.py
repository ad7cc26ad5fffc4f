"""What a report says in words: the headline, the figures that matter, the arms, the turns, the drill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from homeostat.types.report import Score
from homeostat.web import chart, scale, words
from homeostat.web.document import Document, number, part, rows, score, text
from homeostat.web.evidence import funnel, measured

Row = dict[str, Any]

ARMS = (
    ("never retrain", ("never",), "the first champion goes on"),
    ("naive fine-tuning", ("naive",), "on each turn's new rows alone"),
    ("Homeostat", ("ours", "after_turn"), "this run"),
    ("joint retraining", ("joint",), "from the base on every row, the same labels: the upper line"),
    ("joint, all labels", ("joint_all_labels",), "as if every request had been labeled"),
)
"""Name of an arm, the keys it goes by in the document, and what it does."""
_COSTS = (("labels", "labels_used"), ("flops", "train_flops"), ("cpu_seconds", "train_cpu_seconds"))


def headline(document: Document) -> list[str]:
    """The figures that matter, in one to three sentences."""
    accuracy = part(document, "accuracy")
    before, drifted, after = (score(accuracy.get(key)) for key in ("before_drift", "after_drift", "after_turn"))
    return [sentence for sentence in (_fall(document, before, drifted, after), _beside(document, accuracy)) if sentence]


def _fall(document: Document, before: Score | None, drifted: Score | None, after: Score | None) -> str:
    turns = len(rows(document, "turns"))
    passed = f"after {words.several(turns, 'turn')}" if turns else "at the end"
    if before is None or drifted is None:
        return f"Accuracy is {words.percent(after.mean)} {passed}." if after else ""
    verb = "fell" if drifted.mean < before.mean else "went"
    fell = (
        f"Accuracy {verb} from {words.percent(before.mean)} to {words.percent(drifted.mean)} when the traffic changed"
    )
    if after is None:
        return fell + "."
    came = "came back to" if after.mean > drifted.mean else "is"
    return f"{fell}, and {came} {words.percent(after.mean)} {passed}."


def _beside(document: Document, accuracy: Document) -> str:
    ours, joint = score(accuracy.get("ours", accuracy.get("after_turn"))), score(accuracy.get("joint"))
    if ours is None or joint is None or joint.mean <= 0:
        return ""
    cost = [number(part(document, "train_flops").get(key)) for key in ("ours", "joint")]
    price = f", for {words.percent(cost[0] / cost[1], 0)} of its training" if cost[0] is not None and cost[1] else ""
    reached = words.percent(ours.mean / joint.mean)
    return f"That is {reached} of what retraining from scratch on the same labels reaches{price}."


def facts(document: Document) -> list[Row]:
    """The figures beside the headline: a name, a value, a note."""
    refused = sum(text(candidate.get("verdict")) == "fail" for candidate in candidates(document))
    note = f"{words.several(refused, 'candidate')} refused" if candidates(document) else ""
    found = [
        _fact("requests", document.get("requests"), _counted(document.get("dropped_requests"), "dropped")),
        _fact("feedback", document.get("feedback"), _counted(document.get("lost_records"), "records lost")),
        _fact("turns", len(rows(document, "turns")) or None, note),
        *_detection(part(document, "detection")),
    ]
    seconds = number(part(document, "rollback").get("seconds"))
    if seconds is not None:
        found.append({"name": "rollback", "value": words.duration(seconds), "note": "by itself, in the drill"})
    wall = number(document.get("wall_s"))
    if wall is not None:
        found.append({"name": "told in", "value": words.duration(wall), "note": "wall clock"})
    return [fact for fact in found if fact]


def _fact(name: str, value: object, note: str) -> Row:
    known = number(value)
    return {} if known is None else {"name": name, "value": words.count(known), "note": note}


def _counted(value: object, what: str) -> str:
    known = number(value)
    return "" if known is None else f"{words.count(known)} {what}"


def _detection(detection: Document) -> list[Row]:
    """The delay is a number, or one per change."""
    alarms = _counted(detection.get("false_alarms"), "false alarms")
    delay = detection.get("delay_requests")
    if isinstance(delay, list | tuple):
        delay = {str(k + 1): value for k, value in enumerate(delay)}
    if not isinstance(delay, Mapping):
        return [_fact("noticed after", delay, " · ".join(note for note in ("requests", alarms) if note))]
    known = {name: number(value) for name, value in delay.items()}
    said = [words.count(value) if value is not None else "–" for value in known.values()]
    note = f"requests, change by change{' · ' + alarms if alarms else ''}"
    return [{"name": "noticed after", "value": " / ".join(said), "note": note}] if said else []


def arms(document: Document) -> list[Row]:
    """A row per arm that was measured: accuracy as words and as a strip, and what training took."""
    accuracy = part(document, "accuracy")
    found = [(name, _first(accuracy, keys), keys[0], what) for name, keys, what in ARMS]
    measured = [(name, value, key, what) for name, value, key, what in found if value is not None]
    least = min((value.low for _, value, _, _ in measured), default=0.0)
    across = scale.shares([least])
    return [_arm(document, name, value, key, what, across) for name, value, key, what in measured]


def _arm(document: Document, name: str, value: Score, key: str, what: str, across: tuple[float, float]) -> Row:
    costs = {column: number(part(document, section).get(key)) for column, section in _COSTS}
    nothing = "none" if key == "never" else "–"
    return {
        "name": name,
        "what": what,
        "ours": key == "ours",
        "accuracy": words.percent(value.mean),
        "interval": words.interval(value.low, value.high, value.n),
        "ends": [words.percent(end, 0) for end in across],
        "strip": chart.strip(value.mean, value.low, value.high, across),
        "labels": _said(costs["labels"], words.count, nothing),
        "flops": _said(costs["flops"], words.flops, nothing),
        "cpu": _said(costs["cpu_seconds"], words.duration, nothing),
    }


def _said(value: float | None, say: Callable[[float], str], nothing: str) -> str:
    return nothing if value is None else say(value)


def _first(accuracy: Document, keys: tuple[str, ...]) -> Score | None:
    return next((found for key in keys if (found := score(accuracy.get(key))) is not None), None)


def old_and_new(document: Document) -> list[str]:
    """What was known before beside what is new, after the turns, in sentences."""
    accuracy = part(document, "accuracy")
    old, kept, new = (
        score(accuracy.get(f"{key}")) for key in ("old_slices_before", "old_slices_after", "new_slices_after")
    )
    found = []
    if old and kept:
        change = words.points(kept.mean - old.mean)
        found.append(
            f"What was known before: {words.percent(old.mean)} then, {words.percent(kept.mean)} now ({change})."
        )
    if new:
        found.append(f"What is new: {words.percent(new.mean)} now.")
    return found


def candidates(document: Document) -> list[Document]:
    """The candidates of all turns."""
    return [candidate for turn in rows(document, "turns") for candidate in rows(turn, "candidates")]


def turns(document: Document) -> list[Row]:
    """Signal, decision, dataset, candidates and release of each turn, ready to be set."""
    return [
        {
            "signals": [_signal(signal) for signal in rows(turn, "signals")],
            "decision": _decision(part(turn, "decision")),
            "funnel": funnel(part(turn, "dataset", "counts")),
            "dataset": text(part(turn, "dataset").get("id")),
            "candidates": [_candidate(candidate) for candidate in rows(turn, "candidates")],
            "releases": _releases(turn),
        }
        for turn in rows(document, "turns")
    ]


def _signal(signal: Document) -> Row:
    statistic, threshold, n = (number(signal.get(key)) for key in ("statistic", "threshold", "n"))
    passed = f"{words.amount(statistic)} over {words.amount(threshold)}" if statistic and threshold else ""
    detector = text(signal.get("detector")).replace("_", "–")
    said = [detector, passed, f"after {words.count(n)} requests" if n else ""]
    return {
        "moved": text(signal.get("moved")),
        "says": ", ".join(part for part in said if part),
        "examples": [_example(example) for example in signal.get("examples") or ()],
    }


def _example(example: object) -> str:
    return text(example.get("text")) if isinstance(example, Mapping) else text(example)


def _decision(decision: Document) -> Row:
    if not decision:
        return {}
    gain, cost, interval = number(decision.get("gain")), number(decision.get("cost")), decision.get("gain_interval")
    known = [number(value) for value in interval] if isinstance(interval, list | tuple) else []
    found = {"action": text(decision.get("action")), "because": text(decision.get("because")), "gain": "", "cost": ""}
    if gain is not None:
        sure = len(known) == 2 and known[0] is not None and known[1] is not None
        between = f" ({words.points(known[0] or 0.0)} to {words.points(known[1] or 0.0)})" if sure else ""
        found["gain"] = words.points(gain) + between.replace(" points to", " to")
    if cost is not None:
        found["cost"] = words.amount(cost)
    return found


def _candidate(candidate: Document) -> Row:
    return {
        "version": text(candidate.get("version")),
        "verdict": text(candidate.get("verdict")),
        "because": text(candidate.get("because")),
        "scores": measured(part(candidate, "scores")),
    }


def _releases(turn: Document) -> list[Row]:
    found = rows(turn, "release") or [part(turn, "release")]
    return [{"stage": text(one.get("stage")), "because": text(one.get("because"))} for one in found if one.get("stage")]


def rollback(document: Document) -> str:
    """What came of the drill, in a sentence; empty where there was none."""
    if "rollback" not in document or document["rollback"] is None:
        return ""
    seconds, exposed = (number(part(document, "rollback").get(key)) for key in ("seconds", "exposed_requests"))
    drill = "A copy of the champion, sabotaged on purpose, was put into the canary."
    if seconds is None:
        return f"{drill} No rollback was seen."
    answered = (
        f", after it had answered {words.count(exposed)} request{'s' * (exposed != 1)}" if exposed is not None else ""
    )
    return f"{drill} The guard withdrew it by itself in {words.duration(seconds)}{answered}."


def replies(document: Document) -> list[Row]:
    """The generative task before and after, a row per metric."""
    known, found = part(document, "replies"), list[Row]()
    for name, key, unit in (("chrF", "chrf", "higher is better"), ("perplexity", "perplexity", "lower is better")):
        values = [_value(known.get(f"{key}_{moment}")) for moment in ("before", "after")]
        if any(values):
            found.append({"name": name, "unit": unit, "before": values[0] or "–", "after": values[1] or "–"})
    return found


def _value(value: object) -> str:
    known = score(value)
    if known is None:
        return ""
    return f"{known.mean:.1f}" + (f" ({known.low:.1f} to {known.high:.1f}, n = {known.n:,})" if known.n else "")


def win_rate(document: Document) -> str:
    """How often the reply after the turn was preferred, in a sentence."""
    rate = score(part(document, "replies").get("win_rate"))
    return (
        f"The corrections side with the newer reply in {words.scored(rate.mean, rate.low, rate.high, rate.n)}."
        if rate
        else ""
    )


def timeline(document: Document) -> list[Row]:
    """What happened when; lines without an event of their own continue the one above."""
    return [
        {
            "wall": words.duration(wall) if (wall := number(row.get("wall_s"))) is not None else "",
            "time": words.when(time) if (time := number(row.get("time"))) is not None else "",
            "event": text(row.get("event")),
            "text": text(row.get("text")),
        }
        for row in rows(document, "timeline")
    ]
