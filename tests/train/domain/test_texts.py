"""Documents cut into pieces, of which some are held out."""

from __future__ import annotations

from homeostat.train.domain.texts import LONG, Piece, kept_apart, pieces

BOOK = "".join(f"line {k} of a book that is rather long\n" for k in range(400))


def test_a_long_document_is_cut_at_line_ends_and_nothing_is_lost() -> None:
    """The pieces of a book put together are the book; each ends with a line, and the last one ends the document."""
    cut = pieces([BOOK])
    assert "".join(piece.text for piece in cut) == BOOK.strip()
    assert all(len(piece.text) <= LONG for piece in cut)
    assert all(piece.text.endswith("\n") for piece in cut[:-1])
    assert [piece.ends for piece in cut] == [False] * (len(cut) - 1) + [True]
    assert "".join(piece.text for piece in pieces(["x" * (2 * LONG + 5)])) == "x" * (2 * LONG + 5)


def test_what_comes_twice_is_read_once() -> None:
    """A document that came before, and one without words, are left out."""
    assert pieces(["a", " b ", "a\n", "", "  "]) == [Piece("a", True), Piece("b", True)]


def test_what_is_held_out_is_held_out_for_ever() -> None:
    """The share is about as asked; whoever gets more documents later holds out the same ones again."""
    every = pieces(f"document {k}" for k in range(2000))
    read, held = kept_apart(every, 0.1)
    assert 140 < len(held) < 260
    assert set(read) | set(held) == set(every)
    assert [piece for piece in every if piece in set(read)] == read
    assert set(kept_apart(every[:1000], 0.1)[1]) == set(held) & set(every[:1000])
    assert kept_apart(every, 0.0) == (every, [])


def test_there_is_one_of_each_where_two_differ() -> None:
    """Two documents are one to read and one to look at, whatever the share; one cannot be both."""
    for share in (1e-6, 0.5, 1.0):
        assert [len(some) for some in kept_apart(pieces(["a", "b"]), share)] == [1, 1]
    assert kept_apart(pieces(["a"]), 0.5) == ([Piece("a", True)], [])
    assert kept_apart([], 0.5) == ([], [])
