"""Kinds are fixed beforehand: the same request is of the same kind whenever it comes and whoever is asked."""

from dataclasses import replace

import numpy as np
import pytest

from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.groups import GROUPS, MOST, NONE, ROWS, Groups
from monitor.test_watch import HIDDEN, index, traffic


def test_requests_about_the_same_are_of_the_same_kind() -> None:
    """Each group holds requests of one topic, and a topic that is in the index is in some group."""
    rows = traffic(3, 400)
    groups = Groups(NeighborIndex(index(rows=500), 5))
    kinds = groups.of(rows)

    assert len(groups) == GROUPS
    for kind in np.unique(kinds):
        topics = [row.tags["topic"] for row, own in zip(rows, kinds, strict=True) if own == kind]
        assert max(topics.count(topic) for topic in set(topics)) >= 0.9 * len(topics)


def test_the_same_index_cuts_the_same_groups() -> None:
    """After a restart nothing but the index is there, and in whatever company, a request is of the kind it was."""
    rows = traffic(4, 60)
    first, second = (Groups(NeighborIndex(index(rows=500), 5)) for _ in range(2))

    assert first.of(rows).tolist() == [int(second.of([row])[0]) for row in rows]


def test_a_small_index_is_cut_into_fewer() -> None:
    """Every group has rows enough, on average; none where there would be one group alone."""
    sizes = {rows: len(Groups(NeighborIndex(index(rows=rows), 5))) for rows in (ROWS, 3 * ROWS, 10_000)}

    assert sizes == {ROWS: 0, 3 * ROWS: 3, 10_000: GROUPS}


def test_who_has_no_embedding_is_of_no_kind() -> None:
    """Some have none, one is not finite, or all have none: they are passed over, and the others are as they were."""
    groups, rows = Groups(NeighborIndex(index(rows=500), 5)), traffic(5, 6)
    infinite = np.full(HIDDEN, np.inf, dtype=np.float16).tobytes()
    broken = [replace(rows[0], embedding=b""), replace(rows[1], embedding=infinite), *rows[2:]]

    assert groups.of(broken).tolist() == [NONE, NONE, *groups.of(rows)[2:].tolist()]
    assert groups.of([replace(row, embedding=b"") for row in rows]).tolist() == [NONE] * 6
    with pytest.raises(ValueError, match="shapes"):
        groups.of([replace(row, embedding=row.embedding[:8]) for row in rows])


def test_without_an_index_labels_are_kinds() -> None:
    """A reply that is a label the version knows; any other is of none. Too many labels, or one alone, are no kinds."""
    empty = NeighborIndex(np.empty((0, 0)), 5)
    groups = Groups(empty, {"refund", "login", "invoice"})
    rows = [replace(row, reply=said) for row, said in zip(traffic(6, 3), (" login", "refund", "else"), strict=True)]

    assert groups.names == {0: "invoice", 1: "login", 2: "refund"}
    assert groups.of(rows).tolist() == [1, 2, NONE]
    assert [len(Groups(empty, [f"label {k}" for k in range(n)])) for n in (0, 1, MOST, MOST + 1)] == [0, 0, MOST, 0]
    assert Groups(empty).of(rows).tolist() == [NONE] * 3


def test_where_there_is_an_index_labels_are_no_kinds() -> None:
    """Groups of requests tell more than replies: what is asked, and not what the version made of it."""
    groups = Groups(NeighborIndex(index(rows=500), 5), {"a", "b"})

    assert groups.names == {}
    assert len(groups) == GROUPS
