"""Words of a domain as tokens of their own: found in texts, added to a model, and trained before anything else.

A tokenizer made for other texts cuts a domain's words into many pieces, each of which costs a step of reading and of
writing. Its own byte pairs are merged further, the most frequent first, so each new token takes away as many tokens as
its pair occurs; merges come after all old ones, so no text gets longer and no token is out of reach (continued
byte-pair encoding, 2512.03989; 2509.26124). A new row begins at the mean of its pieces' rows (Hewitt 2021).

A model with more tokens is a base of its own: save model and tokenizer to a folder and name that as the base.
"""

from __future__ import annotations

import heapq
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import AutoTokenizer

from homeostat.errors import UnsuitedModel
from homeostat.llm.adapters import has_rows
from homeostat.llm.load import Opened
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.way import Tempo, Way
from homeostat.train.rows import LabelRows

LEAST = 10
"""A pair that occurs less often makes no token: nobody could learn what it means."""
_SPACE = "▁"
"""How vocabularies that do not tell words apart write a space."""
_Pair = tuple[str, str]


def find(tokenizer: Any, texts: Sequence[str], most: int, least: int = LEAST) -> list[str]:
    """At most `most` new tokens, those that shorten the texts the most first, as the vocabulary writes them.

    Each is made of two tokens, old ones or such as come before it in the list. That is how the vocabulary of byte pairs
    grows: `Ġhydra` comes before `Ġhydraulic`, where `Ġ` is a space.

    Raises:
        UnsuitedModel: the tokenizer does not merge byte pairs.
    """
    _require_byte_pairs(tokenizer)
    pairs, known = _Pairs.of(_words(tokenizer, texts)), set(tokenizer.get_vocab())
    found: list[str] = []
    while len(found) < most and (pair := pairs.pop(least)):
        token = "".join(pair)
        if token not in known:
            pairs.merge(pair)
            known.add(token)
            found.append(token)
    return found


def extend(opened: Opened, tokens: Sequence[str]) -> Opened:
    """The model with these tokens, as `find` gives them, in its vocabulary; rows that it had stay, bit by bit.

    The model itself grows; the tokenizer is another one.

    Raises:
        UnsuitedModel: the tokenizer does not merge byte pairs, or a token is not made of two that come before it.
    """
    _require_byte_pairs(opened.tokenizer)
    old, model = opened.tokenizer, opened.model
    tokenizer = _grown(old, tokens)
    pieces = [[piece.id for piece in old.backend_tokenizer.model.tokenize(token)] for token in tokens]
    at = tokenizer.convert_tokens_to_ids(list(tokens))
    if at and max(at) >= len(model.get_input_embeddings().weight):
        model.resize_token_embeddings(max(at) + 1, mean_resizing=False)
    for table in _tables(model):
        with torch.no_grad():
            for token, parts in zip(at, pieces, strict=True):
                table[token] = table[parts].float().mean(0).to(table)
    return Opened(model=model, tokenizer=tokenizer, family=opened.family)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWords(Way):
    """The rows of new tokens alone, before anything else is trained: the model learns where its words went.

    Needs rows to write as well as to read, so that the objective should be to continue texts of the domain.
    """

    kind: ClassVar[str] = "full"
    first: int
    """Id of the first new token."""
    count: int
    """How many new tokens there are; their ids follow each other."""

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """The tables of tokens, in float32, of which only the rows of new tokens get a gradient.

        `rows` are where the rows of further labels begin, float[hidden] by token; they are trained too.
        """
        Full().attach(model, start, rows, seed)
        for tensor in model.parameters():
            tensor.requires_grad_(False)
        tables = _tables(model)
        for table in tables:
            moves = torch.zeros(len(table), 1, device=table.device)
            moves[[*range(self.first, self.first + self.count), *(rows or {})]] = 1.0
            table.requires_grad_(True)
            hook: Callable[..., Any] = table.register_hook  # torch does not say what it takes
            hook(moves.mul)
        return tables

    def tempi(self, model: Any) -> list[Tempo]:
        """No decay, which would pull the old rows too; without a gradient Adam leaves them as they are, bit by bit."""
        return [Tempo(decays=False)] * len(_tables(model))

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie; None where reading and writing have a matrix each."""
        return LabelRows(model.get_input_embeddings().weight, labels) if has_rows(model) else None

    def save(self, model: Any, folder: Path) -> None:
        """Write all weights and their configuration."""
        Full().save(model, folder)


@dataclass(slots=True)
class _Pairs:
    """Words as pieces, how often each pair of pieces occurs in them, and where."""

    words: list[list[str]]
    weights: list[int]
    """Occurrences of each word."""
    counts: Counter[_Pair] = field(default_factory=Counter)
    where: dict[_Pair, set[int]] = field(default_factory=lambda: defaultdict(set))
    queue: list[tuple[int, _Pair]] = field(default_factory=list)
    """Pairs by falling count, equal ones by name; an entry whose count is no longer true is passed over."""

    @staticmethod
    def of(words: Mapping[tuple[str, ...], int]) -> _Pairs:
        """Count the pairs of these words."""
        made = _Pairs([list(word) for word in words], list(words.values()))
        for k in range(len(made.words)):
            made._count(k, 1)
        made.queue = [(-count, pair) for pair, count in made.counts.items()]
        heapq.heapify(made.queue)
        return made

    def pop(self, least: int) -> _Pair | None:
        """The most frequent pair, once; None where no further one occurs `least` times."""
        while self.queue:
            count, pair = heapq.heappop(self.queue)
            if -count == self.counts[pair]:
                return pair if -count >= least else None
        return None

    def merge(self, pair: _Pair) -> None:
        """Make one piece of every such pair."""
        touched = set[_Pair]()
        for k in sorted(self.where.pop(pair)):
            touched |= set(pairwise(self.words[k]))
            self._count(k, -1)
            self.words[k] = _merged(self.words[k], pair)
            self._count(k, 1)
            touched |= set(pairwise(self.words[k]))
        for each in touched - {pair}:
            heapq.heappush(self.queue, (-self.counts[each], each))

    def _count(self, k: int, sign: int) -> None:
        for pair in pairwise(self.words[k]):
            self.counts[pair] += sign * self.weights[k]
            if sign > 0:
                self.where[pair].add(k)


def _merged(pieces: Sequence[str], pair: _Pair) -> list[str]:
    """The pieces of a word with one where the pair was, from the left."""
    out: list[str] = []
    for piece in pieces:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return out


def _words(tokenizer: Any, texts: Sequence[str]) -> Counter[tuple[str, ...]]:
    """Occurrences of every word, as the pieces that the tokenizer cuts it into; no pair reaches over words."""
    counted = Counter[tuple[str, ...]]()
    for text in texts:
        encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        pieces, places = tokenizer.convert_ids_to_tokens(encoded["input_ids"]), encoded.word_ids()
        edges = [k for k in range(1, len(pieces)) if places[k] != places[k - 1] or pieces[k].startswith(_SPACE)]
        counted.update(tuple(pieces[a:b]) for a, b in pairwise([0, *edges, len(pieces)]))
    return counted


def _grown(tokenizer: Any, tokens: Sequence[str]) -> Any:
    """A tokenizer that knows these tokens too, with ids behind all others, and is else the same."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    first = max(vocabulary.values()) + 1
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        path = Path(folder) / "tokenizer.json"
        told = json.loads(path.read_text(encoding="utf-8"))
        # Marks are told to the model too, or they would be given new ids behind those of the new tokens.
        told["model"]["vocab"] |= {mark["content"]: mark["id"] for mark in told["added_tokens"]}
        told["model"]["vocab"] |= {token: first + k for k, token in enumerate(tokens)}
        told["model"]["merges"] += [list(pair) for pair in _splits(tokenizer, tokens)]
        path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        grown = AutoTokenizer.from_pretrained(folder)
    grown.model_max_length, grown.pad_token = tokenizer.model_max_length, tokenizer.pad_token
    if grown.get_vocab() != vocabulary | {token: first + k for k, token in enumerate(tokens)}:
        raise UnsuitedModel("the tokenizer cannot be given further tokens", fix="use the vocabulary as it is")
    return grown


def _splits(tokenizer: Any, tokens: Sequence[str]) -> Iterator[_Pair]:
    """The two parts that each token is merged from."""
    model, ranks = tokenizer.backend_tokenizer.model, dict[_Pair, int]()
    for token in tokens:
        pieces = [piece.value for piece in model.tokenize(token)]
        while len(pieces) > 2 and (known := [pair for pair in pairwise(pieces) if pair in ranks]):
            pieces = _merged(pieces, min(known, key=lambda pair: ranks[pair]))
        if len(pieces) != 2:
            raise UnsuitedModel(
                f"'{token}' is not made of two tokens that are known before it, but of {pieces}",
                fix="take all tokens that `find` gives, in its order",
            )
        ranks[pieces[0], pieces[1]] = len(ranks)
        yield pieces[0], pieces[1]


def _tables(model: Any) -> list[torch.nn.Parameter]:
    """The rows by which tokens are read, and those by which they are written where they are others."""
    read, head = model.get_input_embeddings().weight, model.get_output_embeddings()
    return [read] if head is None or head.weight is read else [read, head.weight]


def _require_byte_pairs(tokenizer: Any) -> None:
    """Hold that there are merges to go on with.

    Raises:
        UnsuitedModel: there are none.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    kind = type(backend.model).__name__ if backend else type(tokenizer).__name__
    if kind != "BPE":
        raise UnsuitedModel(
            f"its tokenizer is a {kind}, which does not merge byte pairs", fix="use the vocabulary as it is"
        )
