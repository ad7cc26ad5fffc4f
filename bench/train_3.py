"""Bar train.3: tokens a second and peak memory of fine-tuning, ours beside TRL's, on the same rows and weights.

    python bench/train_3.py [--quick] [--times 3] [--steps N] [--texts DIR] [--base builtin] [--factory PYTHON]

Two loads: `short`, the built-in traffic's requests and replies, of mixed length, and `long`, windows of 512 tokens
from abstracts (`--texts`). Two ways: LoRA of rank 16 on every linear layer, and all weights. Three sides: ours, TRL's
`SFTTrainer` as it comes, and the same with packing; a fourth, LLaMA-Factory, where `--factory` names the Python of an
environment that has it (its libraries are not ours, so it has one of its own); batches of as many tokens, the same
precision, optimizer, threads and hardware, each run in a process of its own, the sides in turn. They are spared one
default that would slow them down: TRL recomputes activations on the way back to save memory, which nothing here
needs.

A side's speed is tokens of rows (padding is none) over the seconds of the whole training call, the median of
`--times` runs. `value` is the least of the ratios of ours to another's, each divided by its goal: twice TRL's default
on short rows, not behind its packing there, not behind either on long ones, nor behind LLaMA-Factory; met from 1 on.
`mfu` is ours alone: operations a second as a share of what the machine's matrix products reach.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers.utils.logging import disable_progress_bar

from homeostat.builtin.resources import traffic_path
from homeostat.llm.load import locate, open_model
from homeostat.llm.precision import has_bfloat16, peak_flops
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.memory import peak_bytes
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from homeostat.types.task import Kind, Task

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("ours", "trl", "packed")
LOADS, WAYS = ("short", "long"), ("lora", "full")
GOALS = {("short", "trl"): 2.0}
"""What ours should reach as a multiple of a side's speed, if not 1."""
FACTORY = "factory"
ROWS = {"short": 32, "long": 8}
"""Rows of a batch."""
LONGEST = 512
LR = 1e-4
TASK = Task(name="replies", kind=Kind.TEXT, instruction="You answer for a support desk.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One run."""

    side: str
    load: str
    way: str
    steps: int
    base: str
    texts: str
    factory: str = ""
    """The Python of LLaMA-Factory's environment."""


def rows_of(asked: Asked, tokenizer: Any) -> list[Rendered]:
    """The rows of a load, enough for all steps."""
    wanted = asked.steps * ROWS[asked.load]
    found = _short(Renderer(tokenizer)) if asked.load == "short" else _long(tokenizer, Path(asked.texts))
    rows = [row for row, _ in zip(found, range(wanted), strict=False)]
    return [rows[k % len(rows)] for k in range(wanted)]


def _short(renderer: Renderer) -> Iterable[Rendered]:
    """Requests with their replies, and between them requests with their queue alone."""
    with gzip.open(traffic_path(), "rt", encoding="utf-8") as lines:
        for k, line in enumerate(lines):
            row = json.loads(line)
            yield renderer.example(TASK, row["text"], renderer.target(row["label" if k % 2 else "reply"]))


def _long(tokenizer: Any, folder: Path) -> Iterable[Rendered]:
    """Windows of abstracts; all but the first token is learned."""
    ids: list[int] = []
    for file in sorted(folder.rglob("*.txt*")):
        with (lzma.open if file.suffix == ".xz" else open)(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                ids += tokenizer(line, add_special_tokens=False)["input_ids"]
                while len(ids) >= LONGEST:
                    yield Rendered(tuple(ids[:1]), tuple(ids[1:LONGEST]))
                    ids = ids[LONGEST:]


def ours(asked: Asked) -> dict[str, float]:
    """Our `fit` on the rows."""
    opened = open_model(asked.base)
    rows = rows_of(asked, opened.tokenizer)
    way = Lora(rank=16) if asked.way == "lora" else Full()
    parameters = way.attach(opened.model)
    ground = Ground(opened=opened, train=[Sample(row) for row in rows], held_out=[Sample(rows[0])])
    recipe = Recipe(adapt=way, lr=LR, epochs=1, batch_rows=ROWS[asked.load], looks=1)
    peak, before = peak_flops(bfloat16=ground.bfloat16), _memory()
    began = time.perf_counter()
    left = fit(Job(ground=ground, parameters=parameters, recipe=recipe))
    seconds = time.perf_counter() - began
    told = _told(rows, seconds, before)
    return told | {"mfu": left.progress.flops / seconds / peak, "padding": left.padding}


def trl(asked: Asked) -> dict[str, float]:
    """TRL's supervised fine-tuning on the rows."""
    import peft
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    folder = locate(asked.base)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = rows_of(asked, tokenizer)
    masks = [[0] * len(row.prompt) + [1] * len(row.completion) for row in rows]
    data = Dataset.from_dict({"input_ids": [list(row.ids) for row in rows], "completion_mask": masks})
    packed, tokens = asked.side == "packed", sum(len(row.ids) for row in rows)
    batch = max(1, round(tokens / asked.steps / LONGEST)) if packed else ROWS[asked.load]
    lora = peft.LoraConfig(r=16, lora_alpha=32, target_modules="all-linear") if asked.way == "lora" else None
    with tempfile.TemporaryDirectory() as left:
        settings = SFTConfig(
            output_dir=left,
            per_device_train_batch_size=batch,
            num_train_epochs=1,
            learning_rate=LR,
            max_length=LONGEST,
            packing=packed,
            completion_only_loss=True,
            gradient_checkpointing=False,
            bf16=has_bfloat16(),
            use_cpu=not torch.cuda.is_available(),
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        trainer = SFTTrainer(
            model=model, args=settings, train_dataset=data, processing_class=tokenizer, peft_config=lora
        )
        before, began = _memory(), time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
    return _told(rows, seconds, before)


def factory(asked: Asked) -> dict[str, float]:
    """LLaMA-Factory's supervised fine-tuning on the rows, in its own environment."""
    folder = locate(asked.base)
    rows = rows_of(asked, open_model(asked.base).tokenizer)
    told = {
        "rows": [[list(row.prompt), list(row.completion)] for row in rows],
        "base": str(folder),
        "longest": LONGEST,
        "batch": ROWS[asked.load],
        "lr": LR,
        "bfloat16": has_bfloat16(),
        "lora": asked.way == "lora",
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(told, file)
        file.flush()
        command = [asked.factory, str(Path(__file__).with_name("factory.py")), file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"LLaMA-Factory failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    tokens = sum(len(row.ids) for row in rows)
    grew = found["memory_mb"] - found["before_mb"]
    return {
        "tokens_per_s": tokens / found["seconds"],
        "memory_mb": found["memory_mb"],
        "grew_mb": grew,
        "tokens": tokens,
    }


def _memory() -> float:
    """The most memory held so far, in MB: of the GPU where there is one, else of this process."""
    return peak_bytes() / 2**20


def _told(rows: Sequence[Rendered], seconds: float, before: float) -> dict[str, float]:
    tokens = sum(len(row.ids) for row in rows)
    return {"tokens_per_s": tokens / seconds, "memory_mb": _memory(), "grew_mb": _memory() - before, "tokens": tokens}


def run(asked: Asked) -> dict[str, float]:
    """One run in a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    command = [sys.executable, __file__, "--one", json.dumps(asdict(asked))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{asked.side} on {asked.load} rows failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(args: argparse.Namespace) -> dict[tuple[str, str, str], list[dict[str, float]]]:
    """(load, way, side) -> its runs; the sides in turn, so that a machine that slows down slows all."""
    found: dict[tuple[str, str, str], list[dict[str, float]]] = {}
    sides = (*SIDES, FACTORY) if args.factory else SIDES
    for _ in range(args.times):
        for load in LOADS:
            for way in WAYS:
                for side in sides:
                    steps = args.steps if load == "short" else max(2, args.steps // 4)
                    given = {"base": args.base, "texts": str(args.texts), "factory": args.factory}
                    asked = Asked(side=side, load=load, way=way, steps=steps, **given)
                    found.setdefault((load, way, side), []).append(run(asked))
                    speed = found[load, way, side][-1]["tokens_per_s"]
                    print(f"{load:5} {way:4} {side:7} {speed:9.0f} tokens/s", file=sys.stderr, flush=True)
    return found


def ratios(found: dict[tuple[str, str, str], list[dict[str, float]]]) -> dict[str, list[float]]:
    """`short.lora.trl` and so on -> ours over that side: the median of the rounds, the least, and the greatest."""
    told = {}
    for load, way, side in found:
        if side != "ours":
            pairs = zip(found[load, way, "ours"], found[load, way, side], strict=True)
            each = [mine["tokens_per_s"] / theirs["tokens_per_s"] for mine, theirs in pairs]
            told[f"{load}.{way}.{side}"] = [round(value, 3) for value in (median(each), min(each), max(each))]
    return told


def line(args: argparse.Namespace) -> dict[str, Any]:
    """The bar's line, but for `seconds`."""
    found = measured(args)
    of_goal = []
    for name, values in (told := ratios(found)).items():
        load, _, side = name.split(".")
        of_goal.append([value / GOALS.get((load, side), 1.0) for value in values])
    worst = min(of_goal)
    return {
        "bar": "train.3",
        "value": round(worst[0], 3),
        "interval": [round(worst[1], 3), round(worst[2], 3)],
        "n": args.times,
        "goal": 1.0,
        "met": worst[0] >= 1.0,
        "ratios": told,
        **{what: _by_run(found, what) for what in ("tokens_per_s", "memory_mb", "mfu", "padding")},
        "precision": "bfloat16" if has_bfloat16() else "float32",
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "quick": args.quick,
    }


def _by_run(found: dict[tuple[str, str, str], list[dict[str, float]]], what: str) -> dict[str, float]:
    """The median of a figure, by load, way and side."""
    told = {".".join(key): [run[what] for run in runs if what in run] for key, runs in found.items()}
    return {name: round(median(values), 4 if median(values) < 1 else 0) for name, values in told.items() if values}


def arguments() -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of a few steps")
    parser.add_argument("--times", type=int, help="rounds; 3, or 1 if quick")
    parser.add_argument("--steps", type=int, help="steps of a run on short rows, a quarter on long ones; 24 or 12")
    parser.add_argument(
        "--texts", type=Path, default=ROOT.parent / "shared" / "data" / "corpus_arxiv_abstracts", help="long texts"
    )
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--factory", default="", help="the Python of an environment that has LLaMA-Factory")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.times = args.times or (1 if args.quick else 3)
    args.steps = args.steps or (12 if args.quick else 24)
    if not args.one and not args.texts.is_dir():
        parser.error(f"no texts at {args.texts}: name a folder of .txt files with --texts")
    return args


def main() -> None:
    """Run the bar and print its line, or one run and print its figures."""
    disable_progress_bar()
    args, began = arguments(), time.perf_counter()
    if args.one:
        asked = Asked(**json.loads(args.one))
        print(json.dumps({"ours": ours, FACTORY: factory}.get(asked.side, trl)(asked)))
        return
    print(json.dumps(line(args) | {"seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
