"""Ask a model elsewhere the prompts of a task's suites, and say whether it is still the model that it was.

For a teacher, a judge, or any other model behind an OpenAI-compatible API, whose provider may change it without a
word. The first look is what later ones are compared with; call it by cron. A change is a signal, which people are told
of like any other; a model that does not change is called changed at most once in 365 looks, on average. The key stands
in OPENAI_API_KEY. `--dry-run` says how many requests a look makes.

Exit codes: 0 looked at, changed or not; 1x configuration; 22 there is no prompt; 3x it cannot be asked.

Example: `homeostat upstream https://models.example/v1#large --samples 8`
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, facts
from homeostat.errors import EmptyStream
from homeostat.llm.backend import Request
from homeostat.llm.remote import Remote
from homeostat.loop.noticing.upstream import asked, look, prompts
from homeostat.loop.story.scene import Scene
from homeostat.monitor.anchors import EVERY
from homeostat.types.task import Kind, Task

KEY = "OPENAI_API_KEY"
TEMPERATURE = 0.5
"""At which replies are drawn: at 0 only the likeliest words are seen, at 1 chance drowns small changes."""


def command(
    model: Annotated[str, typer.Argument(help="Where it is asked: `https://HOST/v1#MODEL`.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    suite: Annotated[list[str] | None, typer.Option(help="Name of a suite. None: all of the task's.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Replies to each prompt.")] = 8,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked, and ask nothing.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Ask a model elsewhere the prompts of a task's suites, and say whether it is still the model that it was."""
    url, hash_, name = model.partition("#")
    if not (hash_ and name and url.startswith(("http://", "https://"))):
        raise typer.BadParameter("write it as https://HOST/v1#MODEL", param_hint="MODEL")
    with project(config) as opened:
        known = opened.config.task(opened.task(task), where="--task")
        texts = prompts(opened.store, known.name, suite or ())
        if not texts:
            fix = "`homeostat suites add FILE`"
            raise EmptyStream("no suite of the task has cases to ask", where=known.name, fix=fix)
        about = {"task": known.name, "model": model, "prompts": len(texts), "requests": samples * len(texts)}
        if dry_run:
            document(about) if as_json else facts("would be asked", about)
            return
        with closing(Remote(url, name, (), key=os.environ.get(KEY, ""))) as remote:
            words = Task(name=known.name, kind=Kind.TEXT, instruction=known.instruction)

            def say(text: str) -> str:
                return remote.said(Request(task=words, text=text, version="", temperature=TEMPERATURE))

            with Scene().bar("ask", samples * len(texts), "a model elsewhere answers") as bar:
                replies = asked(texts, samples, say, bar.to)
        found = look(opened.store, known.name, model, replies, time.time())
    if as_json:
        document({**about, "look": found})
        return
    said = {
        "looks": found.looks,
        "p that nothing changed": f"{found.p:.4g}" if found.looks > 1 or found.alarm else "the first look",
        "evidence": f"{found.evidence:.3g}, an alarm at {EVERY}",
        "replies differ most to": list(found.moved),
    }
    facts(f"{model}: " + ("CHANGED" if found.alarm else "as it was, as far as can be told"), said)
