"""Every noun in a line, for whoever walks the lineage."""

from __future__ import annotations

from collections.abc import Callable

from homeostat.store.erased import learned_from_erased
from homeostat.store.store import Store

WIDTH = 60
"""Characters of a text that are shown."""


def interaction(store: Store, id: str) -> str:
    """What was asked and replied."""
    one = store.interactions.get(id)
    return f"“{_short(one.text)}” → “{_short(one.reply)}”"


def feedback(store: Store, id: str) -> str:
    """What was said, and by whom."""
    one = store.feedback.get(id)
    return f"{one.kind} “{_short(one.value)}”" + (f" by {one.source}" if one.source else "")


def signal(store: Store, id: str) -> str:
    """What moved, by how much."""
    one = store.signals.get(id)
    place = f" in {one.slice}" if one.slice else ""
    return f"{one.moved} by {one.detector}{place}: {one.statistic:.4g} over {one.threshold:.4g}, n={one.n}"


def decision(store: Store, id: str) -> str:
    """What was decided, and why: the sentence begins with the action."""
    return store.decisions.get(id).because


def dataset(store: Store, id: str) -> str:
    """How many examples."""
    one = store.datasets.get(id)
    counts = list(one.counts.values())
    gone = f", of which some were erased: what is left is {one.rebuilt}" if one.rebuilt else ""
    return (f"{counts[-1]} examples" if counts else "examples") + gone


def version(store: Store, id: str) -> str:
    """What it is, where it is in its life, what it is called."""
    one = store.versions.get(id)
    names = [alias for alias, named in store.aliases.all(one.task).items() if named == id]
    taught = ["taught by " + " and ".join(one.teachers)] if one.teachers else []
    erased = ["has learned from rows that were erased since"] if id in learned_from_erased(store) else []
    return ", ".join([*names, f"{one.kind} on {one.base}", one.state, f"{len(one.labels)} labels", *taught, *erased])


def report(store: Store, id: str) -> str:
    """The two scores."""
    one = store.reports.get(id)
    mine, theirs = one.candidate_score, one.champion_score
    return f"{one.metric} {mine.mean:.3f} beside {theirs.mean:.3f}, n={one.difference.n}"


def verdict(store: Store, id: str) -> str:
    """What the gate said."""
    one = store.verdicts.get(id)
    base = f"{one.base.name}, sha256 {one.base.content[:12]}…" if one.base else "a base whose bytes were not kept"
    return f"{one.outcome}: {one.because} (over {base})"


def release(store: Store, id: str) -> str:
    """Who answers, since when, why."""
    one = store.releases.get(id)
    return f"{one.stage}: {one.because}"


def turn(store: Store, id: str) -> str:
    """How it ended."""
    one = store.turns.get(id)
    return f"{one.state}: {one.because}" if one.because else one.state


def alert(store: Store, id: str) -> str:
    """How bad, what, how often."""
    one = store.alerts.get(id)
    often = f", {one.count} times" if one.count > 1 else ""
    return f"{one.severity}{often}: {one.says}" + (f" (over: {one.because})" if one.resolved else "")


def silence(store: Store, id: str) -> str:
    """What it keeps quiet, and why."""
    one = store.silences.get(id)
    return f"{' '.join(filter(None, (one.task, one.kind, one.slice))) or 'everything'}: {one.why}"


def delivery(store: Store, id: str) -> str:
    """Of what, through which channel, how far it has come."""
    one = store.deliveries.get(id)
    return f"{one.alert} through {one.channel}: {one.state}" + (f", {one.problem}" if one.problem else "")


DESCRIBED: dict[str, Callable[[Store, str], str]] = {
    "int": interaction,
    "fbk": feedback,
    "sig": signal,
    "dec": decision,
    "dst": dataset,
    "ver": version,
    "rep": report,
    "vdt": verdict,
    "rel": release,
    "trn": turn,
    "alr": alert,
    "sil": silence,
    "dlv": delivery,
}


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
