"""Compare candidate base models on your own rows, and say which one to take.

BASES are hub names, folders, or `builtin`. Each is opened in a process of its own and told by: parameters and bytes on
disk, tokens it can read at once, license, how its tokenizer reads your texts (tokens a word, share of words that are
split, bytes a token), how many rows of an exam it gets right without training and after a short training that is the
same for all, how long one request takes, and the most memory it held. The exam is a quarter of the rows, 200 at most,
that the training has not seen. Of those whose distance to the best may be chance the quickest is recommended. A base
that cannot be tried is listed with the reason. `--steps 0` leaves the training out. Nothing is stored, unless with
`--keep` the names: turns under `cheapest` then weigh these bases, and say when one pays; none changes the base.

Exit codes: 0 done; 1x configuration; 2x nothing to try them on; 3x no base could be tried; 41 there is no such dataset.

Example: `homeostat bases builtin HuggingFaceTB/SmolLM2-135M-Instruct --on labels.jsonl --task routing`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.interrupt import leaving_in_order
from homeostat.cli.material import of_source
from homeostat.cli.project import chosen
from homeostat.cli.table import document, table
from homeostat.config.load import load
from homeostat.loop.deciding.basing import keep as remember
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.train.bases.compare import Candidate, Comparison, compare, parted
from homeostat.train.bases.probe import Rows
from homeostat.train.named import named
from homeostat.types.report import Score
from homeostat.web import words

COLUMNS = ("base", "parameters", "on disk", "context", "license", "tokens a word", "words split", "bytes a token")
MEASURED = ("untrained", "trained", "a request", "memory")


def command(
    bases: Annotated[list[str], typer.Argument(help="Hub names, folders, or `builtin`.")],
    on: Annotated[str, typer.Option(help="Id of a dataset, or a labeled stream.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    steps: Annotated[int, typer.Option(min=0, help="Steps of the short training; 0 leaves it out.")] = 40,
    keep: Annotated[bool, typer.Option("--keep", help="Have turns weigh those that could be tried.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Compare candidate base models on your own rows, and say which one to take."""
    with closing(Workshop.open(load(config))) as shop, leaving_in_order():
        known = shop.config.task(chosen(shop.config, task, where="--task"))
        material = of_source(shop, known, on, named("joint", shop.config.train), None)
        learn, exam = parted(material.examples)
        rows = Rows(
            task=known,
            labels=material.labels,
            learn=learn,
            exam=exam,
            steps=steps,
            threads=shop.config.model.threads,
            seed=shop.config.train.seed,
        )
        with Scene().bar("bases", len(set(bases)), "bases are tried") as bar:
            found = compare(bases, rows, lambda done, base: bar.to(done, note=base))
        others = remember(shop.store, known.name, found, shop.config.model.weights) if keep else ()
    if as_json:
        document(found)
    else:
        _show(found)
        typer.echo(f"turns weigh {', '.join(others) or 'no other base'}" * keep, nl=keep)


def _show(found: Comparison) -> None:
    table(f"{len(found.candidates)} bases on {found.rows} rows", COLUMNS, [_facts(each) for each in found.candidates])
    rows = [_measured(each) for each in found.candidates if not each.failed]
    table(f"\nbefore and after {found.steps} steps", ("base", *MEASURED, "behind the best"), rows)
    typer.echo(f"\nTake {found.recommended}. {found.why}" if found.recommended else f"\n{found.why}")


def _facts(each: Candidate) -> tuple[str, ...]:
    about, reading = each.facts, each.reading
    if about is None or reading is None:
        return (each.base, each.failed)
    size = (words.amount(about.parameters), f"{about.disk_bytes / 1e6:,.1f} MB", words.count(about.context))
    fit = (f"{reading.tokens_per_word:.2f}", words.percent(reading.split), f"{reading.bytes_per_token:.2f}")
    return (each.base, *size, about.license or "none named", *fit)


def _measured(each: Candidate) -> tuple[str, ...]:
    if each.probe is None:
        return (each.base,)
    cost = (words.milliseconds(each.probe.latency_ms), f"{each.probe.memory_bytes / 1e6:,.0f} MB")
    return (each.base, _score(each.before), _score(each.after), *cost, _score(each.behind))


def _score(score: Score | None) -> str:
    return "–" if score is None else f"{score.mean:.3f} ({score.low:.3f} to {score.high:.3f})"
