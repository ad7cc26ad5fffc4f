"""What is added for groups of requests: kept, read, and put on by the tags of each request alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

import tiny
from homeostat.errors import CorruptWeights
from homeostat.llm.assembled import Assembled, Part, put_assembled
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.offsets import FILE, MOST, NOTHING, Offsets, Shift, read_offsets, save_offsets, told_offsets
from homeostat.types.version import ENSEMBLE, Version

FIRST, SECOND, THIRD = tiny.LABELS
OFFSETS = Offsets(
    tags=("language",),
    shifts=(Shift(group=("de",), offsets={SECOND: 3.0, FIRST: -1.5}), Shift(group=("en",), offsets={SECOND: -3.0})),
    measured={"kept": True, "because": "they narrow the widest gap by 4.0 points or more", "rows": 80},
)
LOGS = log_softmax(np.array([[0.3, 0.1, -0.2], [2.0, -1.0, 0.0], [0.0, 0.0, 0.0]]), axis=1)
ASKED = [
    Request(task=tiny.ROUTING, text=text, version="ver_1", tags=tags)
    for text in ("my parcel is late", "the pump leaks")
    for tags in ({}, {"language": "de"}, {"language": "en"}, {"language": "fr"}, {"plan": "de"})
]


def test_they_are_kept_byte_for_byte(tmp_path: Path) -> None:
    """What is read is what was saved; equal offsets are equal files, so that a version keeps its hash."""
    save_offsets(OFFSETS, tmp_path)
    assert read_offsets(tmp_path) == OFFSETS
    assert read_offsets(tmp_path).measured == OFFSETS.measured
    first = (tmp_path / FILE).read_bytes()
    save_offsets(read_offsets(tmp_path), tmp_path)
    assert (tmp_path / FILE).read_bytes() == first


def test_most_versions_have_none(tmp_path: Path) -> None:
    """Neither has the bare base; nothing is added then, and nobody is of a group."""
    assert read_offsets(tmp_path) is NOTHING
    assert read_offsets(None) is NOTHING
    assert NOTHING.group({"language": "de"}) is None
    np.testing.assert_array_equal(NOTHING.shifted(LOGS, tiny.LABELS, [{"language": "de"}] * 3), LOGS)


@pytest.mark.parametrize(
    "broken",
    [
        "no json",
        "[]",
        '{"tags": ["a"], "shifts": []}',
        '{"tags": ["a"], "shifts": [{"group": ["x", "y"], "offsets": {}}], "measured": {}}',
        '{"tags": ["a"], "shifts": [{"group": ["x"], "offsets": {"l": NaN}}], "measured": {}}',
        json.dumps({"tags": ["a"], "shifts": [{"group": ["x"], "offsets": {"l": MOST + 1.0}}], "measured": {}}),
        '{"tags": ["a"], "shifts": [{"group": ["x"], "offsets": ["l"]}], "measured": {}}',
    ],
)
def test_what_is_no_offsets_is_refused(tmp_path: Path, broken: str) -> None:
    """Damaged, of another shape, or so large that the label would be the same whatever was asked."""
    with pytest.raises(CorruptWeights):
        told_offsets(broken)
    (tmp_path / FILE).write_text(broken)
    with pytest.raises(CorruptWeights, match=FILE):
        read_offsets(tmp_path)


def test_who_carries_the_tag_gets_the_groups_offsets() -> None:
    """Each row by its own tags: added where the group is known; a row of no group stays as it is, bit for bit."""
    found = OFFSETS.shifted(LOGS, tiny.LABELS, [{"language": "de", "plan": "free"}, {"language": "fr"}, {}])
    np.testing.assert_array_equal(found[1:], LOGS[1:])
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1.0)
    np.testing.assert_allclose(found[0] - found[0, 2], LOGS[0] - LOGS[0, 2] + [-1.5, 3.0, 0.0])
    assert (LOGS[0].argmax(), found[0].argmax()) == (0, 1)


def test_labels_are_found_by_name() -> None:
    """In whatever order a version has them; one that the offsets do not know is left alone."""
    names = (THIRD, "another", SECOND)
    np.testing.assert_array_equal(OFFSETS.added(names, [{"language": "en"}]), [[0.0, 0.0, -3.0]])


def test_two_tags_make_one_group() -> None:
    """A request that lacks one of them is of none; fitted offsets that were not kept make no groups at all."""
    both = Offsets(tags=("a", "b"), shifts=(Shift(group=("1", "2"), offsets={FIRST: 1.0}),))
    assert both.group({"b": "2", "a": "1"}) == ("1", "2")
    assert both.group({"a": "1"}) is None
    assert both.deciding == ("a", "b")
    unkept = replace(both, shifts=())
    assert (unkept.deciding, unkept.group({"b": "2", "a": "1"})) == ((), None)


def of_base(llama: Path) -> Version:
    return Version(id="ver_1", task="routing", time=0.0, base=str(llama), kind="base", labels=tiny.LABELS)


@pytest.fixture(scope="module")
def plain(llama: Path) -> list[np.ndarray]:
    """What the version says by itself."""
    backend = LocalBackend(str(llama))
    backend.load(of_base(llama), None)
    return backend.score(ASKED)


def test_a_version_answers_by_the_requests_tags(llama: Path, tmp_path: Path, plain: list[np.ndarray]) -> None:
    """In one batch, each request with its own group's offsets; those without a known group as without the file. Once
    the version is unloaded, nothing of it is left.
    """
    save_offsets(OFFSETS, tmp_path)
    backend = LocalBackend(str(llama))
    backend.load(of_base(llama), tmp_path)
    found = backend.score(ASKED)
    wanted = OFFSETS.shifted(np.stack(plain), tiny.LABELS, [request.tags for request in ASKED])
    np.testing.assert_allclose(np.stack(found), wanted, atol=1e-5)
    assert np.abs(found[1] - plain[1]).max() > 1.0
    for k in (0, 3, 4, 5, 8, 9):
        np.testing.assert_array_equal(found[k], plain[k])
    replies = backend.reply(ASKED)
    assert [reply.text for reply in replies] == [tiny.LABELS[int(row.argmax())] for row in wanted]
    assert replies[1].confidence == pytest.approx(float(np.exp(wanted[1].max())), abs=1e-4)
    backend.unload("ver_1")
    backend.load(of_base(llama), None)
    np.testing.assert_array_equal(np.stack(backend.score(ASKED)), np.stack(plain))


def test_a_member_of_an_ensemble_keeps_its_own(llama: Path, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """Two members of which one adds something: the mean of what both say, by the request's tags."""
    parts = tuple(Part(of=f"ver_{k}", kind="lora", labels=tiny.LABELS) for k in (0, 1))
    put_assembled(Assembled(parts=parts), tmp_path)
    for k, folder in enumerate(adapters):
        inside = tmp_path / str(k)
        inside.mkdir()
        for file in folder.iterdir():
            (inside / file.name).write_bytes(file.read_bytes())
    version = replace(of_base(llama), id="ver_all", kind=ENSEMBLE)
    said = {}
    for name in ("bare", "added"):
        if name == "added":
            save_offsets(OFFSETS, tmp_path / "1")
        backend = LocalBackend(str(llama))
        backend.load(version, tmp_path)
        said[name] = backend.score([replace(request, version="ver_all") for request in ASKED])
    np.testing.assert_allclose(said["bare"][0], said["added"][0], atol=1e-6)
    assert np.abs(said["bare"][1] - said["added"][1]).max() > 0.1
    damaged = tmp_path / "1" / FILE
    damaged.write_text("no json")
    backend = LocalBackend(str(llama))
    with pytest.raises(CorruptWeights):
        backend.load(version, tmp_path)
    assert backend.loaded() == ()
