"""Chat to tokens and loss masks: the one place for training and for serving, so that the two cannot differ.

Knows the tokenizer and its chat template; knows nothing of models or batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homeostat.types.task import Task


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

    A model without a chat template gets `instruction: text` and a newline: an encoder or a plain language model.
    """

    def __init__(self, tokenizer: Any, *, max_tokens: int = 0) -> None:
        self.tokenizer = tokenizer
        limit = max_tokens or min(int(tokenizer.model_max_length), 4096)
        self.max_tokens = limit
        self._cache: dict[tuple[str, str], tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def prompt(self, task: Task, text: str, history: Sequence[tuple[str, str]] = ()) -> tuple[int, ...]:
        """Token ids up to and with the mark after which the reply begins.

        A text longer than the context is cut at its end, never the instruction or the marks around it.
        """
        if self.tokenizer.chat_template is None:
            lead = f"{task.instruction}: " if task.instruction else ""
            body = self.tokenizer(f"{lead}{text}", add_special_tokens=False)["input_ids"]
            return tuple(body[: self.max_tokens - 8])
        head, tail = self._frame(task, history)
        body = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return (*head, *body[: max(1, self.max_tokens - len(head) - len(tail) - 8)], *tail)

    def example(self, task: Task, text: str, target: Sequence[int]) -> Rendered:
        """The prompt exactly as it is served, and the target tokens, which alone carry loss."""
        return Rendered(self.prompt(task, text), tuple(target))

    def target(self, reply: str) -> tuple[int, ...]:
        """Token ids of a reply in words, with the mark that ends it."""
        ids = self.tokenizer(reply, add_special_tokens=False)["input_ids"]
        return (*ids[: self.max_tokens // 2], self.tokenizer.eos_token_id)

    def _frame(self, task: Task, history: Sequence[tuple[str, str]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What the chat template puts before and after the user's text, as token ids.

        The template is rendered around a sentinel and split there, so the user's words are tokenized apart from the
        marks: no message can forge one.
        """
        key = (task.instruction, repr(history))
        if key not in self._cache:
            sentinel = "\u2402"
            messages = [{"role": "system", "content": task.instruction}] if task.instruction else []
            messages += [{"role": role, "content": content} for role, content in history]
            messages.append({"role": "user", "content": sentinel})
            whole = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            before, _, after = whole.rpartition(sentinel)
            encoded = [tuple(self.tokenizer(t, add_special_tokens=False)["input_ids"]) for t in (before, after)]
            if len(self._cache) > 256:
                self._cache.clear()
            self._cache[key] = (encoded[0], encoded[1])
        return self._cache[key]
