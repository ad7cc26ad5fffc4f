"""Write alert rules for Prometheus and a dashboard for Grafana, made for the metrics of this very version.

Prometheus scrapes the gateway's `/metrics`, at the address of this project; the rules say when it tells, through an
Alertmanager of yours, also where the worker itself cannot any more. Without `--out` one of the files is printed.

Exit codes: 0 written; 1x configuration.

Example: `homeostat alerts rules --out monitoring`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from homeostat.config.load import load
from homeostat.gateway.observing import DASHBOARD, FILES, RULES, SCRAPE

NAMES = {"rules": RULES, "scrape": SCRAPE, "dashboard": DASHBOARD}


def command(
    what: Annotated[Literal["rules", "scrape", "dashboard"], typer.Argument(help="Which file is printed.")] = "rules",
    out: Annotated[Path | None, typer.Option(help="Folder to write all files into; printed are their names.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
) -> None:
    """Write alert rules for Prometheus and a dashboard for Grafana, made for the metrics of this very version."""
    settings = load(config)
    if out is None:
        print(FILES[NAMES[what]](settings), end="")
        return
    for name, made in FILES.items():
        file = out / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(made(settings), encoding="utf-8")
        print(file)
