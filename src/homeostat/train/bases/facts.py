"""What a base is: its size, how much it can read at once, and under which license it comes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from transformers.utils import cached_file

from homeostat.llm.four_bit import parameters
from homeostat.llm.load import Opened, locate

_FRONT = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
_LICENSE = re.compile(r"^licen[sc]e:\s*(.+?)\s*$", re.MULTILINE)
_KNOWN = {
    "apache license": "apache-2.0",
    "mit license": "mit",
    "bsd 3-clause": "bsd-3-clause",
    "llama": "a Llama license",
    "gemma": "a Gemma license",
}
"""How the text of a license begins -> its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """About one base."""

    family: str
    """`decoder`, `encoder` or `seq2seq`."""
    architecture: str
    parameters: int
    disk_bytes: int
    """Of its weights."""
    width: int
    context: int
    """Tokens of request and reply together."""
    vocabulary: int
    license: str
    """As its card, its configuration or its license file says; empty where none of them does."""


def facts(base: str, opened: Opened) -> Facts:
    """What is known of a base that is open; a hub name is looked up where it was loaded from."""
    name, config = locate(base), opened.model.config
    folder = _folder(name)
    return Facts(
        family=opened.family,
        architecture=type(opened.model).__name__,
        parameters=parameters(opened.model),
        disk_bytes=sum(file.stat().st_size for file in folder.glob("*.safetensors")),
        width=int(config.hidden_size),
        context=int(opened.tokenizer.model_max_length),
        vocabulary=len(opened.tokenizer),
        license=license_of(name),
    )


def license_of(name: str) -> str:
    """The license that a folder or a hub name declares: in the head of its card, or by how its license file begins."""
    card = _text(name, "README.md")
    front = _FRONT.match(card)
    said = _LICENSE.search(front[1]) if front else None
    if said:
        return said[1].strip("'\" ")
    for file in ("LICENSE", "LICENSE.md", "LICENSE.txt"):
        begins = " ".join(_text(name, file)[:400].lower().split())
        if begins:
            return next((known for words, known in _KNOWN.items() if words in begins), f"see its {file}")
    return ""


def _folder(name: str) -> Path:
    """Where the weights lie: the folder itself, or the hub's copy on this machine."""
    config = cached_file(name, "config.json")
    return Path(config or name).parent


def _text(name: str, file: str) -> str:
    """A file beside the weights; empty where there is none, or none without a network."""
    found = cached_file(
        name, file, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False
    )
    return Path(found).read_text(encoding="utf-8", errors="replace") if found else ""
