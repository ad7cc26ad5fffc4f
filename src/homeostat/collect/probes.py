"""Files of probes, in the forms in which they are published: pairs of sentences, and sentences that name a group.

Pairs: CrowS-Pairs (`sent_more`, `sent_less`; Nangia et al. 2020, 2010.00133), StereoSet (`stereotype`,
`anti_stereotype`; Nadeem et al. 2020, 2004.09456), WinoBias (`kind` pro or anti, and `text`; Zhao et al. 2018,
1804.06876), BBQ (`context`, `question`, `ans`; Parrish et al. 2021, 2110.08193), BLiMP (`sentence_good`,
`sentence_bad`; Warstadt et al. 2019, 1912.00582). Sentences: `text`, `prompt` or `phrase`, with their `group`, as BOLD
has them (Dhamala et al. 2021, 2101.11718). CSV or JSON lines, plain, gzipped or packed with xz. Nothing is fetched.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.collect.unpacked import text_of
from homeostat.errors import BadStream, EmptyStream

Row = Mapping[str, Any]
_KINDS = "CrowS-Pairs, StereoSet, WinoBias, BBQ, BLiMP, or a `more` and a `less` in each row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sentences that say much the same, of which one is what the probe is about."""

    more: str
    """The stereotype; of a probe of grammar the right sentence."""
    less: str
    kind: str = ""
    """What the stereotype is about, or the paradigm of grammar."""
    item: str = ""
    """What several pairs are made of, such as a template; pairs of one item are not independent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A sentence about a group, or the beginning of one."""

    text: str
    group: str
    item: str = ""
    """The template that it is made of, if any."""


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file, in its order; of BBQ those items alone that leave the answer open.

    Raises:
        BadStream: it cannot be read, or is in none of the forms.
        EmptyStream: it holds no pair.
        NotText: it is not UTF-8.
    """
    rows = _rows(path)
    form = next((read for key, read in _FORMS.items() if rows and key in rows[0]), None)
    if rows and form is None:
        keys = ", ".join(map(str, rows[0]))
        raise BadStream(f"no pairs: a row has {keys}", where=f"{path}", fix=f"give {_KINDS}")
    try:
        found = list(form(rows)) if form else []
    except (KeyError, TypeError, AttributeError, IndexError) as broken:
        raise BadStream(f"a row does not fit: {broken!r:.80}", where=f"{path}", fix=f"give {_KINDS}") from broken
    if not found:
        raise EmptyStream("the file holds no pairs", where=f"{path}", fix=f"give {_KINDS}")
    return found


def read_named(path: Path, groups: Sequence[str] = ()) -> list[Named]:
    """The sentences of a file. A row that is said to be toxic itself is left out; one without `group` is of the first
    of `groups` that stands in it as a word, and left out where none does.

    Raises:
        BadStream: it cannot be read, or a row has no sentence.
        EmptyStream: it holds none that names a group.
        NotText: it is not UTF-8.
    """
    found = [one for number, row in enumerate(_rows(path), 1) for one in _named(row, groups, f"{path} row {number}")]
    if not found:
        fix = 'give JSON lines such as {"text": …, "group": …}'
        raise EmptyStream("the file holds no sentence that names a group", where=f"{path}", fix=fix)
    return found


def _named(row: Row, groups: Sequence[str], where: str) -> Iterator[Named]:
    text = next((row[key] for key in ("text", "prompt", "phrase") if isinstance(row.get(key), str)), None)
    if text is None:
        raise BadStream("no sentence", where=where, fix="name it `text`, `prompt` or `phrase`")
    words = set(re.findall(r"[\w-]+", text.lower()))
    group = row.get("group") or next((name for name in groups if name in words), "")
    if group and row.get("toxicity", "nontoxic") == "nontoxic":
        yield Named(text=text, group=str(group), item=str(row.get("template", "")))


def _rows(path: Path) -> list[Row]:
    try:
        text = text_of(path)
    except OSError as missing:
        raise BadStream(f"cannot be read: {missing.strerror}", where=f"{path}") from missing
    if not text.lstrip().startswith("{"):
        return list(csv.DictReader(io.StringIO(text)))
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as broken:
                raise BadStream(f"not JSON: {broken}", where=f"{path} line {number}") from broken
    return rows


def _crows(rows: Iterable[Row]) -> Iterator[Pair]:
    for row in rows:
        yield Pair(more=row["sent_more"], less=row["sent_less"], kind=row.get("bias_type", ""))


def _stereoset(rows: Iterable[Row]) -> Iterator[Pair]:
    for row in rows:
        yield Pair(more=row["stereotype"], less=row["anti_stereotype"], kind=row.get("bias_type", ""))


def _blimp(rows: Iterable[Row]) -> Iterator[Pair]:
    for row in rows:
        good, bad = row.get("sentence_good", row.get("good")), row.get("sentence_bad", row.get("bad"))
        yield Pair(more=good.strip(), less=bad.strip(), kind=row.get("UID", ""), item=row.get("UID", ""))


def _winobias(rows: Iterable[Row]) -> Iterator[Pair]:
    """A sentence with the pronoun that the stereotype expects, beside the same with the other one."""
    of: dict[tuple[Any, ...], dict[str, str]] = {}
    for row in rows:
        place = (row.get("split"), row.get("type"), row["id"])
        of.setdefault(place, {})[row["kind"]] = re.sub(r"[\[\]]", "", row["text"])
    for place, both in of.items():
        if len(both) == 2:
            yield Pair(more=both["pro"], less=both["anti"], kind=f"type {place[1]}")


def _bbq(rows: Iterable[Row]) -> Iterator[Pair]:
    """Of a question whose answer the context leaves open: the answer that fits the stereotype beside the other person.

    In a negative question that is the group that the stereotype is about, in another one who is left.
    """
    for row in rows:
        if row.get("condition", row.get("context_condition")) != "ambig" or "answer_info" not in row:
            continue
        answers = row.get("ans") or [row[f"ans{k}"] for k in range(3)]
        about = row.get("stereotyped_groups") or row["additional_metadata"]["stereotyped_groups"]
        groups = [row["answer_info"][f"ans{k}"][-1] for k in range(3)]
        people = [k for k in range(3) if groups[k] != "unknown"]
        meant = [k for k in people if groups[k] in about]
        if len(people) != 2 or len(meant) != 1:
            continue
        other = next(k for k in people if k != meant[0])
        negative = row.get("polarity", row.get("question_polarity")) == "neg"
        fits, against = (meant[0], other) if negative else (other, meant[0])
        asked = f"{row['context']} {row['question']}"
        yield Pair(
            more=f"{asked} {answers[fits]}.",
            less=f"{asked} {answers[against]}.",
            kind=row.get("category", ""),
            item=f"{row.get('category')} {row.get('question_index', row['context'])}",
        )


def _plain(rows: Iterable[Row]) -> Iterator[Pair]:
    for row in rows:
        yield Pair(more=row["more"], less=row["less"], kind=row.get("kind", ""), item=row.get("item", ""))


_FORMS: Mapping[str, Callable[[Iterable[Row]], Iterator[Pair]]] = {
    "sent_more": _crows,
    "anti_stereotype": _stereoset,
    "sentence_good": _blimp,
    "good": _blimp,
    "ans": _bbq,
    "ans0": _bbq,
    "more": _plain,
    "kind": _winobias,
}
"""A key of the first row -> how the rows are read."""
