"""Chat to tokens: the one place for training and for serving, so that the two cannot differ.

Knows the tokenizer and its chat template; knows nothing of models or batches.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from homeostat.errors import UnsuitedModel
from homeostat.types.task import Kind, Task

LABEL_ROOM = 8
"""Tokens kept free for a label and for the marks that an encoder puts around its input."""

_Pieces = tuple[tuple[int, ...] | int, ...]
"""A frame: token ids of the template, and between them the number of the message whose words belong there."""


_one_at_a_time = threading.Lock()


def ids_of(tokenizer: Any, text: str, *, marks: bool) -> tuple[int, ...]:
    """Token ids of a text, in which what spells a mark is one, or is words like any others.

    Which of the two is remembered by the tokenizer itself between its steps, so one thread at a time asks: else what
    one says of words would hold for another one's marks.
    """
    with _one_at_a_time:
        return tuple(tokenizer(text, add_special_tokens=False, split_special_tokens=not marks)["input_ids"])


@dataclass(frozen=True, slots=True)
class Rendered:
    """Token ids of a prompt and of what should follow it."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        """Prompt, then completion."""
        return self.prompt + self.completion


class Renderer:
    """Renders requests and examples with one tokenizer.

    Whatever somebody said is tokenized apart from the template and never becomes one of its marks, also where it spells
    one. A model without a chat template gets `instruction: text` and a newline: an encoder or a plain language model.
    """

    def __init__(self, tokenizer: Any, *, max_tokens: int = 0, lead: int = 0) -> None:
        self.tokenizer = tokenizer
        self.max_tokens = (max_tokens or min(int(tokenizer.model_max_length), 4096)) - lead
        """Tokens of prompt and completion together; `lead` places before them are taken."""
        self._frames: dict[tuple[str, ...], _Pieces] = {}

    def room(self, task: Task) -> int:
        """Tokens kept free behind the prompt for the reply."""
        return LABEL_ROOM if task.kind is Kind.LABEL else self.max_tokens // 2

    def prompt(
        self, task: Task, text: str, history: Sequence[tuple[str, str | tuple[int, ...]]] = ()
    ) -> tuple[int, ...]:
        """Token ids up to and with the mark after which the reply begins. What was said earlier is words or token ids.

        What is longer than the context loses its oldest messages, then the end of the text; never the instruction.

        Raises:
            UnsuitedModel: the instruction alone is too long, or the chat template cannot render these roles.
        """
        earlier = [(role, self._words(said) if isinstance(said, str) else said) for role, said in history]
        lead = [("system", self._words(task.instruction))] if task.instruction else []
        words, limit = self._words(text), self.max_tokens - self.room(task)
        while earlier and len(self._fill([*lead, *earlier, ("user", words)])) > limit:
            # A template may insist that the user speaks first.
            later = [k for k in range(1, len(earlier)) if earlier[k][0] == "user"]
            earlier = earlier[later[0] :] if later else []
        whole = self._fill([*lead, *earlier, ("user", words)])
        if len(whole) <= limit:
            return whole
        kept = len(words) - (len(whole) - limit)
        if kept < 1:
            raise UnsuitedModel(
                f"the instruction of task '{task.name}' leaves no room for a request: the model takes "
                f"{self.max_tokens} tokens, reply included",
                fix="shorten the instruction, or use a model with a longer context",
            )
        return self._fill([*lead, *earlier, ("user", words[:kept])])

    def example(self, task: Task, text: str, target: Sequence[int]) -> Rendered:
        """The prompt exactly as it is served, and the target tokens, which alone carry loss."""
        return Rendered(self.prompt(task, text), tuple(target))

    def is_cut(self, task: Task, row: Rendered) -> bool:
        """Whether a request or its reply had more words than there is room for, and lost the rest."""
        longest = max(1, self.max_tokens // 2 - 1) + 1
        replied = task.kind is Kind.TEXT and len(row.completion) >= longest
        return len(row.prompt) >= self.max_tokens - self.room(task) or replied

    def target(self, reply: str) -> tuple[int, ...]:
        """Token ids of a reply in words, cut to the room it has, with the mark that ends it."""
        return (*self._words(reply)[: max(1, self.max_tokens // 2 - 1)], self.tokenizer.eos_token_id)

    def _words(self, text: str) -> tuple[int, ...]:
        """Token ids of what somebody said, no special token among them."""
        return ids_of(self.tokenizer, text, marks=False)

    def _fill(self, messages: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[int, ...]:
        """The frame of these roles with the messages' words in it."""
        ids: list[int] = []
        for piece in self._frame(tuple(role for role, _ in messages)):
            ids += messages[piece][1] if isinstance(piece, int) else piece
        return tuple(ids)

    def _frame(self, roles: tuple[str, ...]) -> _Pieces:
        """What the chat template puts around messages of these roles.

        The template is rendered around sentinels and cut there, so that no message is tokenized together with a mark.
        """
        if roles not in self._frames:
            whole = self._render([f"\ue000{k}\ue001" for k in range(len(roles))], roles)
            parts = re.split("\ue000(\\d+)\ue001", whole)
            if str(len(roles) - 1) not in parts[1::2]:
                raise UnsuitedModel("the chat template does not show the user's message", fix="use another base model")
            pieces: list[tuple[int, ...] | int] = []
            for k, part in enumerate(parts):
                pieces.append(int(part) if k % 2 else ids_of(self.tokenizer, part, marks=True))
            if len(self._frames) > 256:
                self._frames.clear()
            self._frames[roles] = tuple(pieces)
        return self._frames[roles]

    def _render(self, contents: Sequence[str], roles: Sequence[str]) -> str:
        if self.tokenizer.chat_template is None:
            ends = {"system": "{}: ", "user": "{}\n"}
            pairs = zip(roles, contents, strict=True)
            return "".join(ends.get(role, role + ": {}\n").format(content) for role, content in pairs)
        messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
        try:
            text: str = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except TemplateError as refused:
            raise UnsuitedModel(
                f"the base model's chat template cannot render the roles {', '.join(roles)}: {refused}",
                fix="leave the task's instruction empty where a template knows no system message, or use another base",
            ) from refused
        return text
