"""Writes the list of methods, `docs/reference/methods.md`, from their classes, `docs/evidence.yaml`, and what the bar
of proofs measured last (`bench/results/train.4.json`): `python docs/methods_page.py`.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import yaml

from homeostat.config.schema import Limits
from homeostat.plugin import Registry
from homeostat.train.budget import Budget
from homeostat.train.catalogue import DIFFICULTIES, OBJECTIVES, ORDERS, PENALTIES, WAYS
from homeostat.train.objectives.reward.judged import REWARDS
from homeostat.train.read import TINY
from homeostat.train.recipe import Recipe, plain

PAGE = Path(__file__).parent / "reference" / "methods.md"
EVIDENCE = Path(__file__).parent / "evidence.yaml"
MEASURED = Path(__file__).parents[1] / "bench" / "results" / "train.4.json"
SHELVES: dict[str, tuple[str, Registry[Any]]] = {
    "Ways to adapt": ("adapt", WAYS),
    "Objectives": ("objective", OBJECTIVES),
    "Penalties": ("penalties", PENALTIES),
    "Orders": ("order", ORDERS),
    "Difficulties": ("difficulty", DIFFICULTIES),
}
BESIDE = "beside"
"""Shelf of methods that no recipe names: a command, a turn or another module uses them."""
HEAD = """# Methods of training

Everything that a recipe of your own (`train.recipes`) can name, with its parameters. A method is written as its name,
or as its name with parameters:

```yaml
train:
  attempts: [gentle, thorough]
  recipes:
    gentle:
      like: careful                      # what it does not say, it takes from there
      adapt: {lora: {bottom: 0.5}}
      objective: {adjusted: {tau: 0.5}}
      penalties: [{divergence: {weight: 4}}, r_drop]
      order: {curriculum: {difficulty: rarity}}
      lr: 1e-3
      budget: {seconds: 600}
```

None is listed without a proof: a test that a fake could not pass, on a model that really learns. The table says by
how much each does what it is for. *Seen* is what it showed besides, small as that is; [the log](../log.md) has what did
not work. This page is made by `python docs/methods_page.py` from the classes, `docs/evidence.yaml`, and what was kept
of `python bench/train_4.py`.
"""


def evidence() -> dict[str, dict[str, dict[str, Any]]]:
    """Field of a recipe, or `beside` -> method -> `use`, `not`, `seen`, `proof`; with `beside`, its `module`."""
    found: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(EVIDENCE.read_text(encoding="utf-8"))
    return found


def proofs(told: Mapping[str, Any]) -> list[str]:
    """The tests that an entry names."""
    named = told["proof"]
    return [named] if isinstance(named, str) else list(named)


def measured() -> list[dict[str, Any]]:
    """The lines that were kept of the bar of proofs, quick ones first, so that a full one is heard last."""
    kept = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {"lines": []}
    return sorted(({"date": kept["date"], **line} for line in kept["lines"]), key=lambda line: not line["quick"])


def effects(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Method, as `adapt.lora` -> what the bar of proofs saw of it and when, where that has an interval or did not pass,
    and whether in a `quick` run alone.

    Of quick runs what was seen of rows: their draws are those that thresholds were chosen on.
    """
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        for name, told in line["methods"].items():
            quick, bounded = told.get("quick", line["quick"]), None not in told.get("interval", [None])
            counts = bounded and told["over"] != "draws" if quick else bounded or told["outcome"] != "passed"
            if counts:
                found[name] = {"date": line.get("date"), **told, "quick": quick}
    return found


def is_proven(told: Mapping[str, Any]) -> bool:
    """Whether a method's proof passed and its whole interval lies above 0."""
    return bool(told["outcome"] == "passed" and told["interval"][0] > 0)


def is_met(lines: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the bar of proofs is met: by a whole run in full, or by parts that were drawn together, and no less."""
    return any(line["met"] and not line["quick"] and not line.get("only") for line in lines)


def page() -> str:
    """The page: what was measured, the fields of a recipe, then every method."""
    told, parts = evidence(), [HEAD, _table(), _fields_of_a_recipe()]
    for title, (field, registry) in SHELVES.items():
        parts.append(f"## {title}\n\n`{field}`\n")
        parts += [_method(name, registry.get(name), told[field][name]) for name in registry.names()]
    rewards = [f"- `{name}`: {_sentence(REWARDS.get(name))}" for name in REWARDS.names()]
    parts.append("## Rewards\n\nWhat `grpo` is told of replies; add your own through `homeostat.rewards`.\n")
    parts += [*rewards, "", "## Beside recipes\n\nWhat commands, turns and other modules use.\n"]
    parts += [_module(name, entry) for name, entry in told[BESIDE].items()]
    return "\n".join(parts)


def _table() -> str:
    """What each method brought; beneath it, those of which that is not sure."""
    about = (
        "Of tiny models on made-up rows, each beside the same run without the method. Intervals are of 95 %, over\n"
        "draws of rows, order and beginning that no threshold was chosen on, or over the rows of one draw: such a one\n"
        "too since 2026-11-23, before that the proof's own. What is *not yet* measured so has a proof that passes on\n"
        "its own draws; *quick* is what a quick run saw, which meets no bar.\n"
    )
    lines = measured()
    about += f"\nBar `train.4`, all of them in full: {'met' if is_met(lines) else 'not met yet'}.\n"
    seen, head = effects(lines), ["| method | effect | 95 % | over | of | on |", "|---|---|---|---|---|---|"]
    sure, others = list[str](), list[str]()
    for shelf, entries in evidence().items():
        for name in entries:
            told = seen.get(f"{shelf}.{name}")
            (sure if told is None or is_proven(told) else others).append(_row(f"{shelf}: `{name}`", told))
    parts = ["## What each brought\n", about, *head, *sure, ""]
    if others:
        none = (
            "Run in the same way, with an interval that reaches 0, or a proof that did not hold on other draws. Such\n"
            "a method may help on your rows, or not: measure it there before you trust it.\n"
        )
        parts += ["### No effect found here\n", none, *head, *others, ""]
    return "\n".join(parts)


def _row(method: str, told: Mapping[str, Any] | None) -> str:
    if told is None:
        return f"| {method} | not yet | | | | |"
    if None in told.get("interval", [None]):
        return f"| {method} | none | | | its proof {told['outcome']} | {told['date']} |"
    low, high = told["interval"]
    n = f"{told['n']} {told['over']}" + (", quick" if told["quick"] else "")
    of = told["of"] + ("" if told["outcome"] == "passed" else " (its proof asks for more)")
    return f"| {method} | {told['value']:g} | {low:g} to {high:g} | {n} | {of} | {told['date']} |"


def _fields_of_a_recipe() -> str:
    begun, texts = Recipe(), _texts(Recipe)
    rows = ["## Fields of a recipe\n", "| field | without it | what it is |", "|---|---|---|"]
    for field in fields(Recipe):
        if field.name != "name":
            value = plain(getattr(begun, field.name))
            rows.append(f"| `{field.name}` | {_written(value)} | {texts.get(field.name, '')}{_range(field)} |")
    rows.append("| `like` | `careful` | The built-in recipe that the others are taken from. |")
    return "\n".join([*rows, "", *_budget()])


def _budget() -> list[str]:
    """What `budget` holds: the limits of a run, and what they are reckoned by."""
    about = "The limit that is reached first ends a run, which keeps its best tensors; `homeostat train` says which."
    head, texts = ["### What a `budget` holds", "", about, ""], _texts(Budget)
    rows = [f"| `{f.name}` | {_default(f)} | {texts.get(f.name, '')}{_range(f)} |" for f in fields(Budget)]
    return [*head, "| key | without it | what it is |", "|---|---|---|", *rows, ""]


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return f"`{next(iter(value))}`" if len(value) == 1 else "no limits"
    return "nothing" if value in (None, []) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _module(name: str, told: Mapping[str, Any]) -> str:
    about = inspect.getdoc(importlib.import_module(told["module"])) or ""
    return "\n".join([f"### `{name}`", "", f"`{told['module']}`. {_joined(about)}", "", *_said(told)])


def _said(told: Mapping[str, Any]) -> list[str]:
    """When to use a method and when not, what was seen, and its proofs."""
    named = ", ".join(f"`{proof}`" for proof in proofs(told))
    said = f"**Seen:** {told['seen']} Proof: {named}."
    return [f"**Use it** {told['use']} **Not** {told['not']}", "", said, ""]


def _method(name: str, kind: Any, told: Mapping[str, Any]) -> str:
    about = inspect.getdoc(inspect.getmodule(kind)) or ""
    lines = [f"### `{name}`", "", _joined(about), "", _joined(inspect.getdoc(kind) or ""), ""]
    texts = _texts(kind)
    if known := fields(kind):
        lines += ["| parameter | without it | |", "|---|---|---|"]
        lines += [f"| `{f.name}` | {_default(f)} | {texts.get(f.name, '')}{_range(f)} |" for f in known] + [""]
    return "\n".join([*lines, *_said(told)])


def _default(field: Field[Any]) -> str:
    if field.default is MISSING and field.default_factory is MISSING:
        return "must be given"
    value = field.default if field.default_factory is MISSING else plain(field.default_factory())
    return "nothing" if value is None else _written(list(value) if isinstance(value, tuple) else value)


def _range(field: Field[Any]) -> str:
    """What numbers a field takes, as `read.changed` holds it."""
    limits = field.metadata.get("limits", Limits())
    if limits.least is None:
        return ""
    low = "above 0" if 0 < limits.least < TINY else f"{limits.least:g}"
    if limits.most is not None:
        return f" ({low} to {limits.most:g})"
    return f" ({low})" if low.startswith("above") else f" ({low} or more)"


def _texts(kind: Any) -> dict[str, str]:
    """What stands under each field in the source."""
    body = ast.parse(inspect.getsource(kind)).body[0]
    found, last = {}, ""
    for node in getattr(body, "body", ()):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            last = node.target.id
        elif last and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[last], last = _joined(str(node.value.value)).replace("|", "\\|"), ""
    return found


def _joined(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _sentence(kind: Any) -> str:
    return _joined(inspect.getdoc(kind) or "").partition("\n")[0]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
