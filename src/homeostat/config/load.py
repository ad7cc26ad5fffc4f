"""`homeostat.yaml`, then the environment, then `--set`: the later wins. Every error names its file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from homeostat.config.decode import NOTHING, Raw, compose, decode, pairs, where
from homeostat.config.schema import Config
from homeostat.errors import NoProject, NotText, WrongType

FILE = "homeostat.yaml"
PREFIX = "HOMEOSTAT__"
_MAP, _SEQ, _STR = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str"
_TASK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def load(
    path: str | Path = FILE,
    overrides: Sequence[str] = (),
    *,
    environ: Mapping[str, str] | None = None,
    flag: str = "--set",
) -> Config:
    """The configuration of a file (or of the folder that holds `homeostat.yaml`), with every path made absolute.

    `overrides` are texts such as `gateway.port=8500`; environment variables such as `HOMEOSTAT__GATEWAY__PORT=8500`
    (`environ`, by default the process's own) stand between the file and them. Errors name the `flag` that gave them.

    Raises:
        NoProject: there is no such file.
        NotText: the file, or a file of labels it names, is not UTF-8.
        UnknownKey: a key that does not exist.
        WrongType: not YAML, or a value of the wrong type or range.
    """
    file = _file(Path(path))
    root = compose(_read(file), str(path)) or _empty(_start_of(str(path)))
    for dotted, value, origin in _environment(os.environ if environ is None else environ):
        root = _graft(root, dotted, value, origin)
    for override in overrides:
        root = _graft(root, *_setting(override, flag))
    for name, task in _tasks(root):
        _check_name(name)
        _expand_labels(task, file.parent)
    return _placed(decode(Config, root), file.parent.resolve())


def _file(path: Path) -> Path:
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise NoProject(f"there is no {file.name} here", where=str(file), fix="`homeostat init` writes one")
    return file


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = broken.object[: broken.start].count(b"\n") + 1
        raise NotText("not UTF-8 text", where=f"{file} line {line}", fix="save the file as UTF-8") from None


def _environment(environ: Mapping[str, str]) -> Iterable[tuple[list[str], str, str]]:
    for variable in sorted(environ):
        if variable.startswith(PREFIX):
            dotted = variable.removeprefix(PREFIX).lower().split("__")
            yield dotted, environ[variable], f"environment variable {variable}"


def _setting(override: str, flag: str) -> tuple[list[str], str, str]:
    dotted, equals, value = override.partition("=")
    if not equals or not all(dotted.split(".")):
        raise WrongType("not of the form a.b=value", where=f"{flag} {override}", fix=f"e.g. {flag} gateway.port=8500")
    return dotted.split("."), value, f"{flag} {override}"


def _graft(node: yaml.Node, dotted: list[str], value: str, origin: str) -> yaml.Node:
    """A copy of the tree in which the value stands at the end of the path; what is on the way is made if missing."""
    mark = _start_of(origin)
    if not dotted:
        return Raw(_STR, value, mark, mark)
    # A copy, because an alias in the file may hold the same node in two places.
    copy = _copy(node) if isinstance(node, yaml.MappingNode) else _empty(mark)
    for place, (key, child) in enumerate(copy.value):
        if _same(key.value, dotted[0], origin):
            copy.value[place] = (key, _graft(child, dotted[1:], value, origin))
            return copy
    copy.value.append((yaml.ScalarNode(_STR, dotted[0], mark, mark), _graft(_empty(mark), dotted[1:], value, origin)))
    return copy


def _start_of(origin: str) -> yaml.Mark:
    return yaml.Mark(origin, 0, 0, 0, None, 0)


def _copy(node: yaml.MappingNode) -> yaml.MappingNode:
    return yaml.MappingNode(node.tag, list(node.value), node.start_mark, node.end_mark)


def _empty(mark: yaml.Mark) -> yaml.MappingNode:
    return yaml.MappingNode(_MAP, [], mark, mark)


def _same(key: object, wanted: str, origin: str) -> bool:
    """Whether a key of the file is meant; a variable's name can hold neither capitals apart nor a hyphen."""
    if not origin.startswith("environment"):
        return key == wanted
    return isinstance(key, str) and key.lower().replace("-", "_") == wanted


def _tasks(root: yaml.Node) -> Iterable[tuple[yaml.ScalarNode, yaml.Node]]:
    for key, child in pairs(root, ""):
        if key.value == "tasks":
            yield from pairs(child, "tasks")


def _check_name(key: yaml.ScalarNode) -> None:
    if not _TASK.fullmatch(key.value):
        raise WrongType(
            f"'{key.value}' cannot name a task", where=where(key.start_mark), fix="letters, digits, - and _ only"
        )


def _expand_labels(task: yaml.Node, beside: Path) -> None:
    """Put the lines of a file of labels where the task names the file."""
    if not isinstance(task, yaml.MappingNode):
        return
    for place, (key, child) in enumerate(pairs(task, "tasks")):
        if key.value == "labels" and isinstance(child, yaml.ScalarNode) and child.tag != NOTHING and child.value:
            named = compose(child.value, child.start_mark.name) if isinstance(child, Raw) else child
            if isinstance(named, yaml.ScalarNode):
                task.value[place] = (key, _label_nodes(named, beside))


def _label_nodes(named: yaml.ScalarNode, beside: Path) -> yaml.SequenceNode:
    file = beside / Path(named.value).expanduser()
    if not file.is_file():
        raise WrongType(
            f"labels names a file that is not there: {named.value}",
            where=where(named.start_mark),
            fix="one label a line, or a list: [one, two]",
        )
    lines = [line.strip() for line in _read(file).splitlines()]
    nodes = [yaml.ScalarNode(_STR, line, named.start_mark, named.end_mark) for line in lines if line]
    return yaml.SequenceNode(_SEQ, nodes, named.start_mark, named.end_mark)


def _placed(config: Config, beside: Path) -> Config:
    """The configuration with relative paths resolved beside the file they were written in."""
    store = replace(
        config.store, url=_placed_url(config.store.url, beside), blobs=_placed_path(config.store.blobs, beside)
    )
    model = replace(config.model, base=_placed_base(config.model.base, beside))
    monitor = replace(config.monitor, embedding=_placed_encoder(config.monitor.embedding, beside))
    folder = _placed_path(config.folder, beside)
    return replace(config, folder=folder, store=store, model=model, monitor=monitor)


def _placed_path(path: str, beside: Path) -> str:
    return str(beside / Path(path).expanduser()) if path and "://" not in path else path


def _placed_url(url: str, beside: Path) -> str:
    kind, slashes, path = url.partition(":///")
    return f"{kind}{slashes}{beside / path}" if kind.startswith("sqlite") and path else url


def _placed_encoder(name: str, beside: Path) -> str:
    """A folder beside the file is that folder; any other name is left to whoever opens it."""
    folder = name.startswith((".", "~", "/")) or ("://" not in name and "/" in name and (beside / name).is_dir())
    return _placed_path(name, beside) if folder else name


def _placed_base(base: str, beside: Path) -> str:
    """A folder beside the file is that folder; any other name is `builtin` or one of the hub's. Behind the address of
    a server the same.

    Raises:
        WrongType: a server without a base, or with a password in its address.
    """
    if base.startswith(("http://", "https://")):
        address, _, weights = base.partition("#")
        if not weights or "@" in address:
            fix = "http://HOST:8000#BASE, with what would stand here without a server as BASE; its key in VLLM_API_KEY"
            raise WrongType("not an address and a base", where="model.base", fix=fix)
        return f"{address}#{_placed_base(weights, beside)}"
    folder = base != "builtin" and (base.startswith((".", "~", "/")) or (beside / base).is_dir())
    return _placed_path(base, beside) if folder else base
