"""Takes what is to be erased out of JSON values: ids that are gone, texts that nobody else said, the name of a user.

Pure. What is a record of something erased (an object or a list in a list that names its id, or holds its text) goes
whole; in all else the words alone are replaced, so that whoever reads the value finds it of the shape it had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from homeostat.store.needles import Needles

ERASED = "[erased]"
"""What stands where something was."""
NAMED = 6
"""Characters of a user's name from which on it is looked for in the middle of sentences; shorter ones are words."""
_IDS = re.compile(r"\b(?:int|fbk)_[0-9a-z_]+")
_TAGS = ("source", "user", "episode")
"""Tags that hold a user's name: a slice is called `source=alice`."""


@dataclass(slots=True)
class Scrub:
    """What is gone."""

    ids: Collection[str]
    needles: Needles
    user: str = ""
    _name: re.Pattern[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.user:
            name = re.escape(self.user)
            ways = [rf"(?<=\b{tag}=){name}(?!\w)" for tag in _TAGS]
            ways += [rf"(?<!\w){name}(?!\w)"] if len(self.user) >= NAMED else []
            self._name = re.compile("|".join(ways))

    def touches(self, raw: str) -> bool:
        """Whether anything in a value as the database holds it, JSON or text, is to go."""
        if any(id in self.ids for id in _IDS.findall(raw)) or self.needles.in_text(raw):
            return True
        if self._name is None:
            return False
        plain = raw.replace(json.dumps(self.user)[1:-1], self.user)
        return bool(self._name.search(plain)) or f'"{self.user}"' in plain or plain == self.user

    def about(self, value: Mapping[str, Any]) -> bool:
        """Whether a record names something that is gone in one of its own fields, and so is about it alone."""
        return any(isinstance(inner, str) and inner in self.ids for inner in value.values())

    def value(self, value: Any) -> Any:
        """The value without it."""
        match value:
            case str():
                return self.text(value)
            case list() | tuple():
                return [self.value(one) for one in value if not self._is_record(one)]
            case Mapping():
                kept = {key: one for key, one in value.items() if key not in self.ids and not self._is_text(key)}
                return {self.text(str(key)): self.value(one) for key, one in kept.items()}
        return value

    def text(self, text: str) -> str:
        """The text without it; one that is an id, a name or a text which is gone is empty then."""
        if text in self.ids or text == self.user:
            return ""
        if self._is_text(text):
            text = self._without_texts(text)
        text = _IDS.sub(lambda found: ERASED if found[0] in self.ids else found[0], text)
        return self._name.sub(ERASED, text) if self._name else text

    def _is_record(self, one: Any) -> bool:
        """Whether an entry of a list is about something that is gone."""
        if isinstance(one, str):
            return one in self.ids or one == self.user
        if isinstance(one, Mapping):
            shown = one.get("examples", ()) if "detector" not in one else ()  # a topic is named after its requests
            return any(self._is_gone(inner) for inner in [*one.values(), *shown])
        if isinstance(one, list | tuple):
            return any(self._is_gone(inner) for inner in one)
        return False

    def _is_gone(self, inner: Any) -> bool:
        return isinstance(inner, str) and (inner in self.ids or self._is_text(inner))

    def _is_text(self, text: Any) -> bool:
        return isinstance(text, str) and self.needles.in_text(text)

    def _without_texts(self, text: str) -> str:
        for needle in sorted(self.needles.found([text.encode("utf-8", "surrogatepass")]), key=len, reverse=True):
            text = text.replace(needle, ERASED)
        return ERASED if self._is_text(text) else text
