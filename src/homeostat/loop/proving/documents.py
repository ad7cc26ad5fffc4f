"""Whether the documents of benchmarks are there, as far as that can be told without asking the harness.

A task file names its data: files of this disk for a reader of a format (`dataset_path: json`), a folder, or a name on a
hub. What a hub holds, and what a function of the task makes, is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Any

import yaml

from homeostat.config.decode import compose
from homeostat.errors import NotText

READERS = frozenset({"arrow", "csv", "json", "parquet", "text", "xml"})
"""What reads files of this disk, by the name that a task file gives as `dataset_path`."""
NULL = "tag:yaml.org,2002:null"
FIX = "mend `{key}` in {file}: write whole paths, as others begin where homeostat was started"


def hold_documents(folder: Path) -> list[str]:
    """Hold that the data of every task in a folder are there; a sentence for each task of which that cannot be told, or
    whose data are found from here alone.

    Raises:
        NotText: they are not there.
    """
    doubts = dict[str, None]()
    for file in sorted(folder.rglob("*.yaml")):
        if not any(part.startswith((".", "__")) for part in file.relative_to(folder).parts):
            for task in _tasks(file):
                doubts |= dict.fromkeys(_doubts(file, task))
    return list(doubts)


def _tasks(file: Path) -> Iterator[Mapping[str, Any]]:
    """What a file says of each of its tasks; none of a group, or of what others include."""
    said = _said(file, ())
    several = said.get("task_list")
    listed = [said | one for one in several if isinstance(one, dict)] if isinstance(several, list) else [said]
    yield from (one for one in listed if isinstance(one.get("task"), str))


def _said(file: Path, above: Sequence[Path]) -> dict[str, Any]:
    """What a file says, over what it includes, as the harness reads it: of several the last one counts."""
    try:
        own = _plain(compose(file.read_text(encoding="utf-8"), str(file))) if file not in above else {}
    except (OSError, UnicodeDecodeError):  # of a file that an included one includes; the harness says so
        return {}
    if not isinstance(own, dict):
        return {}
    included = own.pop("include", [])
    said = dict[str, Any]()
    for name in included if isinstance(included, list) else [included]:
        said |= _said(file.parent / str(name), (*above, file))
    said.pop("task_list", None)
    return said | own


def _plain(node: yaml.Node | None) -> Any:
    """Texts, lists and mappings; functions and numbers as they are written, and None for nothing."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    return None if node is None or node.tag == NULL else node.value


def _doubts(file: Path, task: Mapping[str, Any]) -> Iterator[str]:
    """Raises as `hold_documents`."""
    given = task.get("dataset_kwargs")
    source, more = task.get("dataset_path"), given if isinstance(given, dict) else {}
    if not isinstance(source, str) or task.get("custom_dataset"):
        return
    if source not in READERS:
        if not Path(source).exists():
            if source.startswith((".", "/")):
                raise _missing(file, task["task"], source, "dataset_path")
            yield f"whether the data of task '{task['task']}' are here shows when it is asked: '{source}' is no file"
        return
    for name in _names(more.get("data_files")):
        place = str(Path(str(more.get("data_dir") or "")) / name)
        if "://" in name:
            yield f"whether the data of task '{task['task']}' are here shows when it is asked: '{name}' is no file"
        elif not _there(Path(place)):
            raise _missing(file, task["task"], place, "data_files")
        elif not Path(place).is_absolute():
            yield f"task '{task['task']}' reads '{place}' from where homeostat is started: write a whole path in {file}"


def _names(files: Any) -> Iterator[str]:
    """The files that are named: one, several, or one or several for each part of the data."""
    if isinstance(files, str):
        yield files
    elif isinstance(files, dict | list):
        for one in files.values() if isinstance(files, dict) else files:
            yield from _names(one)


def _there(place: Path) -> bool:
    """Whether there is such a file, or one of such a pattern."""
    return place.exists() or bool(glob(str(place), recursive=True))  # noqa: PTH207 - `**.json`, which Path.glob refuses


def _missing(file: Path, task: str, place: str, key: str) -> NotText:
    return NotText(f"the data of task '{task}' are not there", where=place, fix=FIX.format(key=key, file=file))
