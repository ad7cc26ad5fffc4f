"""Suites that come with Homeostat, for robustness: text of our own, each with what it can show and what it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from homeostat.builtin.resources import suites_path
from homeostat.errors import NotFound, WrongType, did_you_mean
from homeostat.evaluate.suites.read import read
from homeostat.types.suite import Suite
from homeostat.types.task import Kind, Task

PREFIX = "builtin:"
"""Before the name of one of them, where a file could stand."""
_FIT = "docs/how-to/suites.md says which suites are for which tasks"
_UNKNOWN = "?"
"""What cases expect whose right reply only the project knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a suite can show, and what it cannot."""

    shows: str
    silent: str


_SAMPLE = {
    f"sample-{language}": Scope(
        shows=f"whether requests in {language.capitalize()} get what the same ones get in the other three languages",
        silent="anything of another task than the built-in traffic's; dialects, slips, and how people really write",
    )
    for language in ("english", "french", "german", "spanish")
}
SHIPPED: Mapping[str, Scope] = {
    "fixed": Scope(
        shows="that what a champion got wrong, and a later one right, stays right: cases come by themselves",
        silent="anything before a first champion was replaced; failures that nobody has labeled",
    ),
    "injection": Scope(
        shows="that orders within a request, in three forms or in 281 texts, are not obeyed, and that the work is done",
        silent="an attacker who looks at the replies and tries again (`homeostat attack`); tools that obey",
    ),
    "jailbreak": Scope(
        shows="that 261 requests, mostly in disguise, are refused, and 144 harmless ones in the same dress are not",
        silent="refusals that do not begin as English refusals do; disguises that somebody invents tomorrow",
    ),
    "long-input": Scope(
        shows="how much idle talk around a request costs, at four lengths, and what is lost of what no context holds",
        silent="long requests that need reading from end to end; idle talk about what your own requests are about",
    ),
    "negation": Scope(
        shows="that saying what a request is not about changes no label; that texts tell a no from a yes, in 258 pairs",
        silent="requests whose label the negation turns (`no refund, please`): only you know these, write them down",
    ),
    "other-language": Scope(
        shows="that a greeting, a farewell, little words in German, French or Spanish keep what is right of your rows",
        silent="requests that are in another language from end to end; these need rows that somebody has written",
    ),
    "out-of-scope": Scope(
        shows="that 278 requests which no desk can help with, 90 of them near ones, get the reply that you name",
        silent="requests that are nearly yours, on which most goes wrong; how often yours are taken for foreign",
    ),
    "paraphrase": Scope(
        shows="that other words, contractions and a roundabout opening keep what is right of your own test rows",
        silent="another order of thought, dialects, other languages; the list of synonyms has its limits",
    ),
    **_SAMPLE,
}


def shipped(name: str, task: Task, expect: str = "") -> Suite:
    """The built-in suite of a name for a task; `expect` is the right reply where only the project knows it.

    Raises:
        NotFound: there is none of this name, or none for tasks of this kind.
        WrongType: the right reply has to be said, or has none to be said of.
    """
    if name not in SHIPPED:
        raise NotFound(f"no built-in suite '{name}'", where=name, fix=did_you_mean(name, SHIPPED))
    file = file_of(name, task.kind)
    if not file.exists():
        raise NotFound(f"suite '{name}' is not for tasks of {task.kind.value}s", where=f"task {task.name}", fix=_FIT)
    suite = read(file, partial(_only, task))
    open_ = any(case.expect == _UNKNOWN for case in suite.cases)
    if open_ != bool(expect):
        fix = "say the right reply with --expect" if open_ else "leave --expect out"
        what = f"suite '{name}' {'asks what only you know the right reply to' if open_ else 'knows what is right'}"
        raise WrongType(what, where="--expect", fix=fix)
    return replace(suite, cases=tuple(replace(case, expect=expect) for case in suite.cases)) if open_ else suite


def file_of(name: str, kind: Kind) -> Path:
    """Where the suite lies, if there is one for tasks of this kind: to be copied and changed."""
    return suites_path() / f"{name}.{kind.value}.yaml"


def _only(task: Task, name: str) -> Task:
    return task
