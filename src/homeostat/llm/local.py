"""Answers in this process with a transformers model: batched, many adapters on one base, swapped without restart.

Knows versions and requests; knows nothing of routing, stores or HTTP. One lock around the model makes it thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from homeostat.errors import CorruptWeights, NotFound, UnsuitedModel, did_you_mean
from homeostat.llm.adapters import ON_BASE, put_on, stand, switch_to, take_off
from homeostat.llm.assembled import Assembled, in_parts, read_assembled
from homeostat.llm.backend import Reply, Request
from homeostat.llm.batches import ROWS, passes
from homeostat.llm.forward import Predicted, predict
from homeostat.llm.generate import generate
from homeostat.llm.head import Head
from homeostat.llm.headed import Saying, Telling, read_head
from homeostat.llm.labels import LabelCodes
from homeostat.llm.lead import lead_places
from homeostat.llm.load import Opened, open_model, width_of
from homeostat.llm.offsets import Offsets, read_offsets
from homeostat.llm.precision import computing, is_bfloat16
from homeostat.llm.preface import Preface, Turn, read_preface
from homeostat.llm.reading import codes_for, earlier, labels_of
from homeostat.llm.render import Rendered, Renderer
from homeostat.llm.replies import Group, Scored, picked, told, written
from homeostat.llm.slope import Asked, harms
from homeostat.llm.spelled import Spelled, spelled
from homeostat.llm.together import Ragged, predict_each
from homeostat.llm.trie import trie_scores
from homeostat.types.task import Kind
from homeostat.types.version import ENSEMBLE, HEAD, Version

_NOTHING = Preface()
SHARED = 32
"""Rows times versions in a pass that several versions share on a CPU, whose cache holds no more."""


class LocalBackend:
    """A base model and any number of versions on it."""

    concurrent = False
    """One lock is around the model, so that calls beside each other would only wait."""

    def __init__(self, base: str, *, threads: int = 1, precision: str = "float32") -> None:
        """`precision`: what prompts are read in, as `model.precision` says; replies in words are written in float32."""
        torch.set_num_threads(threads)
        self.base = base
        self.bfloat16 = is_bfloat16(precision)
        self._lock = threading.RLock()
        self._opened = open_model(base)
        self._full: dict[str, Opened] = {}
        """Of versions with weights of their own."""
        self._put: set[str] = set()
        """Versions that are put on the base."""
        self._heads: dict[str, Telling] = {}
        self._saying: dict[str, Saying] = {}
        """Heads that tell numbers or tags, and so answer tasks of texts."""
        self._readers: dict[str, Renderer] = {}
        """Of versions that stand on a base of their own."""
        self._versions: dict[str, Version] = {}
        self._several: dict[str, tuple[Assembled, tuple[str, ...]]] = {}
        """Of versions that are several, what they are made of, and under which ids their members are loaded."""
        self._prefaces: dict[str, Preface] = {}
        """Of versions that read words of their own before every request."""
        self._offsets: dict[str, Offsets] = {}
        """Of versions that answer a group of requests otherwise than they would by themselves."""
        self._codes: dict[tuple[str, tuple[str, ...]], LabelCodes] = {}
        self._active: str | None = None
        """Version that is switched on; empty for none, None where it is not known."""
        self.renderer = Renderer(self._opened.tokenizer)
        self._renderers = {0: self.renderer}
        """By the places that a version takes before every prompt."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return torch.device(self._opened.model.device)

    @property
    def weight_bytes(self) -> int:
        """Of the base and of what is put on it, each tensor once."""
        model = self._opened.model
        return sum({t.data_ptr(): t.nbytes for t in (*model.parameters(), *model.buffers())}.values())

    def loaded(self) -> tuple[str, ...]:
        """Ids of the versions that can answer now."""
        inside = {member for _, members in self._several.values() for member in members}
        return tuple(version for version in self._versions if version not in inside)

    def load(self, version: Version, folder: Path | None) -> None:
        """Make `version` ready to answer, beside the others; they go on answering while weights are read.

        Raises:
            ModelNotFound: there is no such folder.
            CorruptWeights: the weights are damaged or do not fit the base.
            UnsafeWeights: the folder holds weights in a format that can run code.
            UnsuitedModel: it is a head that tells several numbers.
        """
        if version.id in self._versions:
            return
        if version.kind != "base" and folder is None:
            raise CorruptWeights(f"version {version.id} is of kind {version.kind} and came without a folder")
        if version.kind == ENSEMBLE and folder is not None:
            self._load_several(version, folder)
            return
        own = version.stands_on(self.base) != self.base
        head = self._head(version, folder, own=own)
        preface = read_preface(folder) if folder is not None else None
        offsets = read_offsets(folder)
        kind = head.below if head else version.kind
        alone = stand(version.base if own else self.base, kind, folder, version.id) if own or kind == "full" else None
        with self._lock:
            if version.id in self._versions:
                return
            if alone is not None:
                self._full[version.id] = alone
                if own:
                    lead = lead_places(alone.model, version.id)
                    self._readers[version.id] = Renderer(alone.tokenizer, lead=lead)
            elif kind in ON_BASE and folder is not None:
                self._active = None
                put_on(self._opened.model, kind, folder, version.id)
                self._put.add(version.id)
            if head is not None:
                self._keep(version.id, head)
            if preface is not None:
                self._prefaces[version.id] = preface
            if offsets.deciding:
                self._offsets[version.id] = offsets
            self._versions[version.id] = version

    def _load_several(self, version: Version, folder: Path) -> None:
        """Load the members of an ensemble, all or none."""
        assembled = read_assembled(version, folder, int(self._opened.model.config.hidden_size))
        members = assembled.members(version)
        try:
            for k, member in enumerate(members):
                self.load(member, folder / str(k))
        except Exception:
            for member in members:
                self.unload(member.id)
            raise
        with self._lock:
            self._several[version.id] = (assembled, tuple(member.id for member in members))
            self._versions[version.id] = version

    def _keep(self, version: str, head: Telling | Saying) -> None:
        """Keep a head by what it replies with."""
        if isinstance(head, Head) and head.shape.form != "label":
            self._saying[version] = head
        else:
            self._heads[version] = cast("Telling", head)

    def _head(self, version: Version, folder: Path | None, *, own: bool) -> Telling | Saying | None:
        """The head of a version that is one."""
        if version.kind != HEAD or folder is None:
            return None
        hidden = width_of(version.base) if own else int(self._opened.model.config.hidden_size)
        return read_head(version, folder, hidden)

    def unload(self, version: str) -> None:
        """Forget a version; a no-op if it is not loaded."""
        with self._lock:
            for member in self._several.pop(version, (None, ()))[1]:
                self.unload(member)
            self._versions.pop(version, None)
            self._codes = {key: codes for key, codes in self._codes.items() if key[0] != version}
            for of in (self._full, self._readers, self._heads, self._saying, self._prefaces, self._offsets):
                of.pop(version, None)
            if version in self._put:
                self._active = None
                self._put.remove(version)
                take_off(self._opened.model, version)

    def preface(self, version: str, preface: Preface | None) -> Preface | None:
        """Have a loaded version read this before every request from now on, None for nothing; what it read until now.

        Raises:
            NotFound: the version is not loaded.
        """
        self._require(version)
        with self._lock:
            before = self._prefaces.pop(version, None)
            if preface is not None:
                self._prefaces[version] = preface
        return before

    def reply(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request with its own version; order is kept.

        Raises:
            NotFound: a version is not loaded.
            UnknownLabel: a label task without labels.
            UnsuitedModel: the model cannot do the task (an encoder or a head asked for text).
        """
        replies: dict[int, Reply] = {}
        with self._lock, torch.inference_mode():
            for group, said in self._asked(requests):
                label = group.first.task.kind is Kind.LABEL
                picked_of = self._scores(group, said) if label else None
                answers = picked(group, picked_of, self._labels_of(group.first)) if picked_of else self._write(group)
                replies.update(zip(group.at, answers, strict=True))
        return [replies[k] for k in range(len(requests))]

    def score(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """float64[labels] per request: log-probabilities over its version's labels, prior subtracted, normalized.

        Raises:
            NotFound: a version is not loaded.
            UnknownLabel: a version, or the task of the bare base, without labels.
        """
        scores: dict[int, np.ndarray] = {}
        with self._lock, torch.inference_mode():
            for group, said in self._asked(requests):
                scores.update(zip(group.at, self._scores(group, said).scores.numpy().astype(np.float64), strict=True))
        return [scores[k] for k in range(len(requests))]

    def score_each(self, requests: Sequence[Request], versions: Sequence[str]) -> list[list[np.ndarray]]:
        """Per request what each of these versions says of it, as `score` does; what version a request names is not
        looked at. Those that are adapters on this base share a pass.

        Raises:
            NotFound, UnknownLabel: as `score`.
        """
        said: dict[tuple[int, str], np.ndarray] = {}
        own = [v for v in versions if self._reader(v) is not self.renderer or v in self._prefaces]
        with self._lock, torch.inference_mode():
            for version in versions:
                self._require(version)
            for alike in ([v for v in versions if v not in own], *([v] for v in own)):
                asked = [replace(request, version=alike[0]) for request in requests] if alike else []
                most = max(1, SHARED // max(1, len(alike))) if self.device.type == "cpu" else ROWS
                for group in self._groups(asked, most):
                    for version, one in zip(alike, self._scores_each(group, alike), strict=True):
                        rows = zip(group.at, one.scores.numpy().astype(np.float64), strict=True)
                        said.update(((k, version), row) for k, row in rows)
        return [[said[k, version] for version in versions] for k in range(len(requests))]

    def embed(self, requests: Sequence[Request]) -> np.ndarray:
        """float32[requests, hidden]: mean last hidden state over the prompt, under each request's version."""
        return self._read(self._groups(requests), len(requests), lambda said: said.pooled)

    def states(self, requests: Sequence[Request]) -> np.ndarray:
        """float32[requests, hidden]: the state that the first token of each reply is told from, of the requests alone,
        whatever examples their versions read before them.
        """
        return self._read(self._groups(requests, bare=True), len(requests), lambda said: said.states)

    def _read(self, groups: Iterator[Group], n: int, part: Callable[[Predicted], Tensor]) -> np.ndarray:
        """A part of what the model says of `n` requests."""
        out: dict[int, np.ndarray] = {}
        with self._lock, torch.inference_mode():
            for group in groups:
                out.update(zip(group.at, part(self._predicted(group)).float().cpu().numpy(), strict=True))
        rows = [out[k] for k in range(n)]
        return np.stack(rows) if rows else np.zeros((0, int(self._opened.model.config.hidden_size)), np.float32)

    def surprise(self, requests: Sequence[Request], replies: Sequence[str]) -> float:
        """Mean negative log-probability, in nats a token, of these replies to these requests."""
        told = self.spelled(requests, replies)
        return -sum(float(one.logs.sum()) for one in told) / max(sum(len(one.logs) for one in told), 1)

    def likelihoods(self, requests: Sequence[Request], replies: Sequence[str]) -> np.ndarray:
        """float64[requests]: log-probability, in nats, of the whole of each reply to its request."""
        return np.array([one.logs.sum() for one in self.spelled(requests, replies)], np.float64)

    def foresee(self, requests: Sequence[Request], labels: Sequence[str], others: Sequence[Sequence[str]]) -> list[Any]:
        """float64[others] per request to one version; says, and raises, what `slope.harms` does, and NotFound."""
        if requests and requests[0].version in self._several:
            raise UnsuitedModel("an ensemble has no gradient of its own", fix="ask its members, or without gradients")
        out: dict[int, np.ndarray] = {}
        with self._lock:
            for group in self._groups(requests):
                asked = Asked(self._labels_of(group.first), [labels[k] for k in group.at], group.prompts)
                pairs = zip(group.at, group.requests, strict=True)
                read = [[self._prompt(replace(one, text=text)) for text in others[k]] for k, one in pairs]
                found = harms(self._activate(group.first.version), asked, partial(self._scores, group), read)
                out.update(zip(group.at, found, strict=True))
        return [out[k] for k in range(len(requests))]

    def _labels_of(self, request: Request) -> tuple[str, ...]:
        """The labels that a request is answered with, in the order of its scores."""
        if request.version in self._several:
            return self._several[request.version][0].labels
        return (self._heads.get(request.version) or self._codes_of(request)).labels

    def spelled(self, requests: Sequence[Request], replies: Sequence[str]) -> list[Spelled]:
        """How each reply would have been spelled, token by token, after its request."""
        told: dict[int, Spelled] = {}
        with self._lock, torch.inference_mode():
            for group in self._groups(requests):
                targets = [self._reader(group.first.version).target(replies[k]) for k in group.at]
                rows = [Rendered(p, t) for p, t in zip(group.prompts, targets, strict=True)]
                predicted = predict(self._activate(group.first.version), rows)
                told.update(zip(group.at, spelled(predicted, targets), strict=True))
        return [told[k] for k in range(len(requests))]

    def _asked(self, requests: Sequence[Request]) -> Iterator[tuple[Group, Predicted | None]]:
        """The requests by what they share, each group of one version, with what the model says where several heads that
        stand on the bare base are asked in one pass.
        """
        for group in self._groups(requests):
            rows: dict[str, list[int]] = {}
            for k, request in enumerate(group.requests):
                rows.setdefault(request.version, []).append(k)
            if len(rows) == 1:
                yield group, None
                continue
            said = self._predicted(group)
            for some in rows.values():
                yield group.only(some), said.only(some)

    def _groups(self, requests: Sequence[Request], most: int = ROWS, *, bare: bool = False) -> Iterator[Group]:
        """The requests, at most so many that can share a forward pass together, the shortest first. Replies in words
        are written in longer batches: a pass that adds one token is short however many rows it has. Those that are
        `bare` are read without the examples of their versions.
        """
        for request in requests:
            self._require(request.version)
        prompts = [self._prompt(r) for r in requests] if bare else self._prompts(requests)
        requests = [self._prefaces.get(request.version, _NOTHING).put(request) for request in requests]
        together: dict[tuple[object, ...], list[int]] = {}
        for k, request in enumerate(requests):
            limits = (request.max_tokens, request.temperature) if request.task.kind is Kind.TEXT else ()
            bare_head = request.version in self._heads and not self._weights(request.version)
            key = (None if bare_head else request.version, request.task, *limits)
            together.setdefault(key, []).append(k)
        for rows in together.values():
            rows.sort(key=lambda k: len(prompts[k]))
            label = requests[rows[0]].task.kind is Kind.LABEL
            lengths = [len(prompts[k]) if label else 0 for k in rows]
            for some in passes(lengths, self.device, most):
                at = rows[some]
                yield Group(at, [requests[k] for k in at], [prompts[k] for k in at])

    def _prompts(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        """The requests as their versions read them, after the examples of their prefaces. Where these are found by what
        the model makes of a request, it reads the request once alone.
        """
        by_states = [k for k, r in enumerate(requests) if self._prefaces.get(r.version, _NOTHING).by_states]
        found = dict(zip(by_states, self.states([requests[k] for k in by_states]), strict=True))
        return [self._prompt(request, self._earlier(request, found.get(k))) for k, request in enumerate(requests)]

    def _prompt(self, request: Request, earlier: Sequence[Turn] | None = None) -> tuple[int, ...]:
        """The request as its version reads it, after its own history or these turns; a head needs no room for what it
        replies, as when it was trained.
        """
        told, asked = request.version in self._saying, self._prefaces.get(request.version, _NOTHING).put(request)
        task = replace(asked.task, kind=Kind.LABEL) if told else asked.task
        turns = request.history if earlier is None else earlier
        return self._reader(request.version).prompt(task, request.text, turns)

    def _earlier(self, request: Request, state: np.ndarray | None = None) -> Sequence[Turn]:
        """What a request is read after: the examples of its version's preface, found by this state of the request where
        that is how, then its own history.
        """
        preface, codes = self._prefaces.get(request.version), None
        if preface and preface.shown and request.task.kind is Kind.LABEL and request.version not in self._heads:
            codes = self._codes_of(request)
        return earlier(request, preface, codes, self._reader(request.version).tokenizer.eos_token_id, state)

    def _require(self, version: str) -> None:
        """Hold that a version is loaded, or is the bare base."""
        if version and version not in self._versions:
            raise NotFound(f"version '{version}' is not loaded", fix=did_you_mean(version, self._versions))

    def _leading(self, version: str) -> str:
        """Who reads for a version where one has to: of an ensemble its first member, or the base where it routes."""
        if version not in self._several:
            return version
        return "" if self._several[version][0].router else self._several[version][1][0]

    def _weights(self, version: str) -> str:
        """The version whose weights answer for a version: its own, or empty for the bare base."""
        return version if version in self._full or version in self._put else ""

    def _activate(self, version: str) -> Opened:
        """The model that answers for a version, with what that has put on and nothing else switched on."""
        version = self._leading(version)
        if version in self._full:
            return self._full[version]
        wanted = self._weights(version)
        if wanted != self._active:
            switch_to(self._opened.model, wanted)
        self._active = wanted
        return self._opened

    def _predicted(self, group: Group) -> Predicted:
        """What the model says where the first token of each reply belongs."""
        rows = [Rendered(prompt, (0,)) for prompt in group.prompts]
        with computing(self.device, max(len(row.ids) for row in rows), bfloat16=self.bfloat16):
            return predict(self._activate(group.first.version), rows)

    def _codes_of(self, request: Request) -> LabelCodes:
        """The token sequences of the labels a request is answered with; kept until its version is unloaded."""
        version = self._versions.get(request.version)
        labels = labels_of(version, request.task)
        key = (request.version, labels)
        if key not in self._codes:
            tokenizer, decoder = self._reader(request.version).tokenizer, self._opened.family == "decoder"
            self._codes[key] = codes_for(tokenizer, version, labels, decoder=decoder)
        return self._codes[key]

    def _scores_each(self, group: Group, versions: Sequence[str]) -> list[Scored]:
        """What each version says, from one pass for those that are adapters on this base."""
        groups, said = {version: group.of(version) for version in versions}, dict[str, Predicted]()
        shared = [v for v in versions if self._versions[v].kind == "lora" and self._codes_of(groups[v].first).single]
        if len(shared) > 1:
            rows = [Rendered(prompt, (0,)) for prompt in group.prompts]
            with suppress(Ragged):  # then each is asked alone
                said = dict(zip(shared, predict_each(self._activate(shared[0]), rows, shared), strict=True))
        return [self._scores(groups[version], said.get(version)) for version in versions]

    def _of_several(self, group: Group) -> Scored:
        """What the members of an ensemble say together, of as many rows at a time as they can share a pass on; or what
        the one says that a row goes to.
        """
        assembled, members = self._several[group.first.version]
        most = max(1, SHARED // len(members)) if self.device.type == "cpu" else ROWS
        every = partial(in_parts, most, lambda some: self._scores_each(some, members))
        if assembled.router is None:
            return assembled.together(every(group))
        read = self._predicted(group).pooled.float().cpu()
        return assembled.answered(group, read, every, lambda k, some: self._scores(some.of(members[k])))

    def _reader(self, version: str) -> Renderer:
        """What turns requests to a version into tokens: its own base's, or ours with room for what stands before."""
        if version in self._readers:
            return self._readers[version]
        places = lead_places(self._opened.model, version)
        if places not in self._renderers:
            self._renderers[places] = Renderer(self._opened.tokenizer, lead=places)
        return self._renderers[places]

    def _scores(self, group: Group, said: Predicted | None = None) -> Scored:
        """What is said of the labels; from what the model has said already, where it has. With what its version adds
        for the groups of these requests.
        """
        scored = self._alike(group, said)
        offsets = self._offsets.get(group.first.version)
        if offsets is None:
            return scored
        more = offsets.added(self._labels_of(group.first), [request.tags for request in group.requests])
        if not more.any():
            return scored
        return scored._replace(scores=(scored.scores + torch.from_numpy(more).to(scored.scores)).log_softmax(-1))

    def _alike(self, group: Group, said: Predicted | None) -> Scored:
        """The same whatever group a request is of."""
        if group.first.version in self._several:
            return self._of_several(group)
        if group.first.version in self._saying:
            raise UnsuitedModel(
                f"{group.first.version} is a head that tells no labels", fix="ask it in a task of texts"
            )
        if head := self._heads.get(group.first.version):
            said = said or self._predicted(group)
            return Scored(head.logs(said, [request.text for request in group.requests]), said.pooled.cpu())
        codes, version = self._codes_of(group.first), self._versions.get(group.first.version)
        if codes.single:
            said = said or self._predicted(group)
            at = torch.tensor([s[0] for s in codes.sequences], device=said.logits.device)
            raw, pooled = said.logits[:, at].float(), said.pooled
        else:
            opened = self._activate(group.first.version)
            raw, pooled = trie_scores(opened, group.prompts, codes.trie(), len(codes.labels))
        if version and version.prior:
            raw = raw.log_softmax(-1) - torch.tensor(version.prior, device=raw.device)
        return Scored(raw.log_softmax(-1).cpu(), pooled.cpu())

    def _write(self, group: Group) -> list[Reply]:
        """A text per row: what a head tells, or what is generated."""
        if head := self._saying.get(group.first.version):
            predicted = self._predicted(group)
            return told(group, head.say(predicted), predicted.pooled)
        if group.first.version in (*self._heads, *self._several):
            fix = "ask a version that is not a head, or a head that tells numbers or tags"
            what = f"{group.first.version} is a head or an ensemble, which tells labels and writes no texts"
            raise UnsuitedModel(what, fix=fix)
        opened, request = self._activate(group.first.version), group.first
        most = max(1, min(request.max_tokens, self._reader(request.version).room(request.task)))
        made = generate(opened, group.prompts, most=most, temperature=request.temperature)
        return written(group, made, opened.tokenizer)
