"""What a base says of itself: where it comes from, what it has read, and what that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from homeostat.train.domain.cost import rise
from homeostat.train.domain.pretrain import Read, Reading
from homeostat.train.recipe import plain


def told(reading: Reading, read: Read) -> dict[str, Any]:
    """A reading's figures, as JSON knows them. Bits are of a character; a rise below 0 is a gain."""
    found: dict[str, Any] = {
        "base": reading.base,
        "documents": read.ahead.documents,
        "held_out": read.ahead.held_out,
        "tokens": read.ahead.tokens,
        "windows": read.ahead.windows,
        "replayed": read.ahead.replayed,
        "padding": read.ahead.padding,
        "new_words": len(read.words),
        "recipe": reading.recipe.name,
        **read.cost,
    }
    for name, costs in (("domain", read.domain), ("general", read.general)):
        if costs is not None:
            before, after = costs
            change = rise(before, after)
            found[name] = {
                "perplexity_before": before.perplexity,
                "perplexity": after.perplexity,
                "bits_before": before.bits_per_character,
                "bits": after.bits_per_character,
                "rise": change.mean,
                "rise_low": change.low,
                "rise_high": change.high,
                "pieces": change.n,
            }
    return found


def write_card(folder: Path, reading: Reading, sources: Sequence[str], figures: Mapping[str, Any]) -> None:
    """Leave `README.md` in the folder of a base; `sources` are names of what was read."""
    head = {"base_model": reading.base, "library_name": "transformers", "pipeline_tag": "text-generation"}
    lines = ["---", yaml.safe_dump(head, sort_keys=True).strip(), "---", "", f"# {folder.name}", ""]
    lines += [f"`{reading.base}` after continued pretraining on {', '.join(sources)}.", ""]
    lines += ["| | before | after | rise in bits a character | pieces held out |", "|---|---|---|---|---|"]
    for name in ("domain", "general"):
        if name in figures:
            lines.append(_row(name, figures[name]))
    lines += ["", "Perplexity is of a token, and not to be compared where tokens were added.", ""]
    lines += ["```yaml", yaml.safe_dump(_about(reading, figures), sort_keys=False).strip(), "```", ""]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


def _row(name: str, of: Mapping[str, Any]) -> str:
    change = f"{of['rise']:+.3f} ({of['rise_low']:+.3f} to {of['rise_high']:+.3f})"
    return (
        f"| {name}, perplexity | {of['perplexity_before']:.2f} | {of['perplexity']:.2f} | {change} | {of['pieces']} |"
    )


def _about(reading: Reading, figures: Mapping[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in figures.items() if not isinstance(v, Mapping)}, "recipe": plain(reading.recipe)}
