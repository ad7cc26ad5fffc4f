"""Writes `docs/reference/commands.md` from the commands' own help: `python docs/commands_page.py`.

The files of `src/homeostat/cli` are read and not imported, for some of them load a model library.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLI = ROOT / "src" / "homeostat" / "cli"
PAGE = ROOT / "docs" / "reference" / "commands.md"
HEAD = """# Commands

`homeostat COMMAND --help` says the same in the terminal. A command that fails prints an error with a code, what is
wrong, where, and how to fix it, and ends with the error's own exit code, its code without the middle 0: 1x is
configuration, 2x input, 3x model or weights, 4x store, 5x gateway, 6x loop ([all errors](errors/README.md)). A command
that is called wrongly ends with 2. With `--json` the error is [one line of JSON](errors/README.md#for-programs).

This page is made from `src/homeostat/cli` by `python docs/commands_page.py`.
"""


def commands() -> dict[str, str]:
    """Command -> module of `homeostat.cli`, as `entry.py` declares them."""
    for node in ast.parse((CLI / "entry.py").read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="COMMANDS")], value=value) if value is not None:
                return dict(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name(id="COMMANDS"), value=value) if value is not None:
                return dict(ast.literal_eval(value))
    raise SystemExit("src/homeostat/cli/entry.py declares no COMMANDS")


def text(module: str) -> str:
    """A command's help: the docstring of its module, empty while there is none."""
    path = CLI / f"{module}.py"
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "") if path.exists() else ""


def page() -> str:
    """The page: one section per command."""
    sections = [f"## `homeostat {name}`\n\n{text(module)}\n{_options(module)}" for name, module in commands().items()]
    return "\n\n".join([HEAD.strip(), *(section.strip() for section in sections)]) + "\n"


def _options(module: str) -> str:
    path = CLI / f"{module}.py"
    rows = list(_rows(ast.parse(path.read_text(encoding="utf-8")))) if path.exists() else []
    return "\n".join(["", "| option | default | meaning |", "|---|---|---|", *rows]) if rows else ""


def _rows(tree: ast.Module) -> Iterator[str]:
    """One row per parameter of the function `command`."""
    own = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "command"), None)
    if own is None:
        return
    given = [*own.args.args, *own.args.kwonlyargs]
    blank: list[ast.expr | None] = [None] * (len(own.args.args) - len(own.args.defaults))
    for parameter, default in zip(given, [*blank, *own.args.defaults, *own.args.kw_defaults], strict=True):
        match parameter.annotation:
            case ast.Subscript(slice=ast.Tuple(elts=[_, ast.Call() as asked])):
                yield _row(parameter.arg, _resolved(default, tree), asked)


def _row(name: str, default: ast.expr | None, asked: ast.Call) -> str:
    kind = ast.unparse(asked.func).rpartition(".")[2]
    names = [str(ast.literal_eval(word)) for word in asked.args]
    shown = name.upper() if kind == "Argument" else ", ".join(names) or "--" + name.replace("_", "-")
    meaning = next((str(ast.literal_eval(word.value)) for word in asked.keywords if word.arg == "help"), "")
    return f"| `{shown}` | {_default(default)} | {meaning.replace('|', chr(92) + '|')} |"


def _resolved(default: ast.expr | None, tree: ast.Module) -> ast.expr | None:
    """A constant's value in place of the name under which it is imported from another module of the package."""
    for node in tree.body:
        match node, default:
            case ast.ImportFrom(module=str(module), names=names), ast.Name(id=name) if name in {n.name for n in names}:
                source = ast.parse((ROOT / "src" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
                for given in source.body:
                    match given:
                        case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                            return value
    return default


def _default(default: ast.expr | None) -> str:
    match default:
        case None:
            return "required"
        case ast.Constant(value=None) | ast.Constant(value=""):
            return ""
        case ast.Constant(value=bool(value)):
            return "on" if value else "off"
        case ast.Constant(value=str(value)) | ast.Call(args=[ast.Constant(value=str(value))]):
            return f"`{value}`"
        case _:
            return f"`{ast.unparse(default)}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
