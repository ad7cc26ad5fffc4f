"""Writes the list of errors, `docs/reference/errors/README.md`, from their classes: `python docs/errors_page.py`."""

from __future__ import annotations

from inspect import getmembers, isclass
from pathlib import Path

from homeostat import errors
from homeostat.errors import HomeostatError

FOLDER = Path(__file__).parent / "reference" / "errors"
PAGE = FOLDER / "README.md"
GROUPS = {
    "E0": "a fault of ours",
    "E1": "configuration",
    "E2": "input",
    "E3": "model or weights",
    "E4": "store",
    "E5": "gateway",
    "E6": "loop",
}
"""How a code begins -> what it is about."""
HEAD = """# Errors

Every error says what is wrong, where, and how to fix it, and has a page here. A command that fails ends with the exit
code of its error: the code without its middle 0, so 1x is configuration, 2x input, 3x model or weights, 4x store,
5x gateway, 6x loop. A command that is called wrongly ends with 2, and one that has a fault with 1. Codes are never used
for something else.

## For programs

With `--json` standard output is one document or, where a command fails, empty. The last line of standard error is then
one JSON object, and the exit code is the same as without:

```json
{"error": {"code": "E105", "what": "there is no homeostat.yaml here", "where": "homeostat.yaml", \
"fix": "`homeostat init` writes one"}}
```

All four fields are always there; `where` and `fix` may be empty. `code` is `usage` for a command that was called
wrongly and `aborted` for one that was broken off. A fault of ours ends with 1 and a traceback. A command that was asked
whether something is in order (`verify`, `audit`, `doctor`, `leaks`, `account`) and finds that it is not prints its
document as ever, without an error, and ends with the exit code that its help names.

## All of them

This page is made from `src/homeostat/errors.py` by `python docs/errors_page.py`.

| code | name | what it is | exit code |
|---|---|---|---|
"""


def classes() -> list[type[HomeostatError]]:
    """Every error, in the order of the codes."""
    kinds = [kind for _, kind in getmembers(errors, isclass) if issubclass(kind, HomeostatError)]
    return sorted(kinds, key=lambda kind: kind.code)


def page() -> str:
    """The page: one row per error."""
    return HEAD + "".join(_row(kind) for kind in classes())


def _row(kind: type[HomeostatError]) -> str:
    about = (kind.__doc__ or "").partition("\n")[0]
    return f"| [{kind.code}]({kind.code}.md) | `{kind.__name__}` | {about} | {kind.exit} ({GROUPS[kind.code[:2]]}) |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
