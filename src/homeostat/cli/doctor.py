"""Look for whatever would keep Homeostat from running here, and say how to mend it.

Python and the packages, the processor, the configuration, the folder, the disk, the channels for alerts, the store, the
base under who answers, the model, the server that answers with it if one does, the embedding backend if it is another,
the port. Without a file `homeostat.yaml` the defaults are looked at. Changes nothing, but that hashes of the base's
files are kept so that they need not be read again. With `--security` also who gets in, who can read the
files, what is loaded, what is signed, and what is known against the installed packages (that is asked of an advisory
source by pip-audit, from the extra `audit`).

Exit codes: 0 nothing failed; 1 something did.

Example: `homeostat doctor --config shop/homeostat.yaml`
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli import exchanged, machine, parts, serving
from homeostat.cli.check import Check, Level, attempted
from homeostat.cli.table import document, table
from homeostat.config.schema import Config, Monitor


def command(
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    security: Annotated[bool, typer.Option("--security", help="Ask for whatever would let somebody in, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Look for whatever would keep Homeostat from running here, and say how to mend it."""
    checks = list(_examination(config, security=security))
    failed = [check.name for check in checks if check.level is Level.FAIL]
    if as_json:
        document({"ok": not failed, "checks": checks})
    else:
        rows = [(check.name, check.level.value, check.found, check.fix) for check in checks]
        table("doctor", ("what", "how", "found", "to mend it"), rows)
    if failed:
        raise typer.Exit(1)


def _examination(path: Path, *, security: bool) -> Iterator[Check]:
    """Every check, one after the other."""
    yield machine.python()
    yield from machine.packages()
    read: list[Config] = []

    def configuration() -> Check:
        config, check = parts.configuration(path)
        read.append(config)
        return check

    yield attempted("configuration", configuration)
    config = read[0] if read else Config()
    folder = Path(config.folder)
    yield attempted("processor", partial(machine.processor, config.model.threads))
    yield attempted("folder", partial(machine.folder, folder))
    yield attempted("disk", partial(machine.disk, folder))
    if read:  # of a configuration that does not load, nothing more can be said
        served = (serving.server,) if config.model.server else ()
        laid = (serving.embedding,) if config.monitor.embedding != Monitor().embedding else ()
        for look in (parts.alerts, parts.store, exchanged.base, parts.model, *served, *laid, parts.port):
            yield attempted(look.__name__, partial(look, config))
        if security:  # imported here and not above, as the rooms below are: a broken package is a finding
            yield from importlib.import_module("homeostat.cli.security").examination(config, path)
