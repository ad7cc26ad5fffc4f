"""From a YAML file to a suite. Every error names its file and line; a suite that was read can be asked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from homeostat.config.decode import KNOBS, compose, decode
from homeostat.config.schema import knob
from homeostat.errors import NotText, WrongType, did_you_mean
from homeostat.evaluate.suites.checks import CHANGES, CHECKS, DEFAULT, NEEDLESS, OF_ITSELF
from homeostat.evaluate.suites.disturb import DISTURBANCES, TURNING
from homeostat.evaluate.suites.schema import hold_schema
from homeostat.types.suite import Case, Suite
from homeostat.types.task import Kind, Task

FEW = 5
"""Strange replies that are told one by one."""
_PAGE = "docs/how-to/suites.md has all that a suite can say"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What stands in the file."""

    suite: str = ""
    task: str = ""
    check: str = ""
    cases: tuple[Case, ...] = ()
    file: str = ""
    """JSON lines with more cases, beside this file."""
    test_rows: int = knob(0, least=0)
    fixed: int = knob(0, least=0)
    under: tuple[str, ...] = ()
    tries: int = knob(1, least=1, most=100)
    margin: float | None = knob(None, least=0.0, most=1.0)
    at_least: float | None = knob(None, least=0.0, most=1.0)
    benchmarks: str = ""
    """Folder with task files of lm-evaluation-harness, beside this file."""
    documents: int = knob(0, least=0)


def read(file: Path, task_of: Callable[[str], Task]) -> Suite:
    """The suite of a file; `task_of` gives the task of a name, and raises where there is none.

    Raises:
        NotText: the file, or the one it names, cannot be read or is not UTF-8; or there is no folder of benchmarks.
        UnknownKey, WrongType: it is not YAML, or says what a suite cannot say.
        UnknownPlugin: it names a check or a disturbance that there is not.
        UnknownTask: it names a task that there is not.
    """
    written = _written(file)
    if not _NAME.fullmatch(written.suite):
        raise _wrong(file, "a suite has a name of letters, digits, - and _", "suite: golden")
    task = task_of(written.task)
    suite = Suite(
        name=written.suite,
        task=task.name,
        check=written.check or DEFAULT[task.kind],
        cases=(*written.cases, *_more(file, written.file)),
        test_rows=written.test_rows,
        fixed=written.fixed,
        under=written.under,
        tries=written.tries,
        margin=written.margin,
        at_least=written.at_least,
        benchmarks=_beside(file, written.benchmarks),
        documents=written.documents,
    )
    _hold(file, suite)
    return suite


def _written(file: Path) -> Written:
    """What a file says. Raises as `read`; what a suite can say stands on another page than the knobs."""
    try:
        return decode(Written, compose(_text(file), str(file)))
    except WrongType as problem:
        raise WrongType(problem.what, where=problem.where, fix=problem.fix.replace(KNOBS, _PAGE)) from None


def strange(suite: Suite, task: Task, labels: Collection[str]) -> list[str]:
    """A sentence for each reply that a suite expects of a task of labels and that is none of its labels; one for all
    where they are many, as in a suite of somebody else's task.

    No version can give it, so nothing is held to such cases. What a version replies where it abstains is known, as are
    the labels of the project's file; without any label nobody can say.
    """
    known = {*labels, *task.labels, *([task.unsure_reply] if task.unsure_below else [])}
    if task.kind is not Kind.LABEL or not known:
        return []
    wanted = Counter(case.expect.strip() for case in suite.cases if (case.check or suite.check) == DEFAULT[task.kind])
    unknown = {label: n for label, n in sorted(wanted.items()) if label not in known}
    nothing = "as long as the champion falls short too, nothing is demanded of them"
    if len(unknown) > FEW:
        named = ", ".join(f"'{label:.60}'" for label in list(unknown)[:FEW])
        return [
            f"{sum(unknown.values())} of {len(suite.cases)} cases expect one of {len(unknown)} replies that are no "
            f"label of '{task.name}' yet ({named}, …): {nothing}"
        ]
    return [
        f"{n} of {len(suite.cases)} cases expect '{label:.60}', which is no label of '{task.name}' yet: "
        f"{nothing} ({did_you_mean(label, known)})"
        for label, n in unknown.items()
    ]


def _beside(file: Path, folder: str) -> str:
    """A folder beside a suite's file, from anywhere; empty where none is named."""
    if not folder:
        return ""
    found = (file.parent / Path(folder).expanduser()).resolve()
    if not found.is_dir():
        raise NotText("no folder of task files", where=str(found), fix=f"check `benchmarks` in {file}")
    return str(found)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as problem:
        raise NotText(f"cannot be read: {problem.strerror}", where=str(file), fix="check the path") from None
    except UnicodeDecodeError:
        raise NotText("not UTF-8 text", where=str(file), fix="save the file as UTF-8") from None


def _more(file: Path, name: str) -> Iterator[Case]:
    """Cases from JSON lines of `text`, and `expect`, `check` and `family` where wanted."""
    beside = file.parent / name
    for number, line in enumerate(_text(beside).splitlines() if name else (), 1):
        if line.strip():
            yield _case(line, f"{beside} line {number}")


def _case(line: str, where: str) -> Case:
    fix = 'write {"text": "…", "expect": "…"}'
    try:
        known = json.loads(line)
    except ValueError:
        raise WrongType("not JSON", where=where, fix=fix) from None
    if not isinstance(known, dict) or not all(isinstance(value, str) for value in known.values()):
        raise WrongType("a case is an object of texts", where=where, fix=fix)
    if strange := sorted(set(known) - {"text", "expect", "check", "family"}):
        raise WrongType(f"a case has no '{strange[0]}'", where=where, fix=fix)
    return Case(**{"text": "", **known})


def _hold(file: Path, suite: Suite) -> None:
    """Hold that every case can be asked and judged."""
    if not suite.cases and not suite.test_rows and not suite.fixed and not suite.benchmarks:
        fix = "list `cases`, name a `file` of them or a folder of `benchmarks`, or say `test_rows: 200` or `fixed: 200`"
        raise _wrong(file, "there is nothing to ask", fix)
    if suite.documents and not suite.benchmarks:
        raise _wrong(file, "documents are those of benchmarks", "name a folder of task files: `benchmarks: FOLDER`")
    if suite.test_rows and not suite.under:
        raise _wrong(file, "test rows are asked disturbed only", "name disturbances in `under`: [typos, shouted]")
    CHECKS.get(suite.check)
    if suite.check == "schema" and (suite.test_rows or suite.fixed):
        raise _wrong(file, "test rows have a right reply and no schema", "say `check: json`, or list `cases`")
    for name in suite.under:
        DISTURBANCES.get(name)
    for place, case in enumerate(suite.cases):
        check = case.check or suite.check
        CHECKS.get(check)
        if not case.text.strip():
            raise _wrong(file, f"case {place} asks nothing", "give it a `text`")
        if not case.expect and check not in NEEDLESS:
            raise _wrong(file, f"case {place} expects nothing, and its check is '{check}'", "give it an `expect`")
        if check == "matches":
            _compiles(file, place, case.expect)
        if check == "schema":
            hold_schema(case.expect, f"{file}: case {place}")
    asked = {suite.check} if suite.fixed or suite.test_rows else set()
    asked |= {case.check or suite.check for case in suite.cases}
    if not suite.under and asked & OF_ITSELF:
        what = "what is the same as undisturbed, or changes, has to be disturbed"
        raise _wrong(file, what, "name disturbances in `under`")
    for name in TURNING.intersection(suite.under):
        if asked != {CHANGES}:
            what = f"'{name}' turns what is right, so that no reply to it is known"
            raise _wrong(file, what, f"say `check: {CHANGES}`, in a suite of its own")


def _compiles(file: Path, place: int, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as problem:
        raise _wrong(file, f"case {place} expects no regular expression: {problem}", "") from None


def _wrong(file: Path, what: str, fix: str) -> WrongType:
    return WrongType(what, where=str(file), fix=fix)
