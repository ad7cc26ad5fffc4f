"""Everything that may be the slice that moved: tags, replies, scripts, lengths, groups, two at once, and signs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from homeostat.monitor.naming.candidates import BESIDE, LEAST, MOST_PAIRS, Candidate, Kind, candidates, script
from monitor.desk import desk, said


def rows(n: int = 400) -> list:
    """Requests of the desk, with a model of somebody else's in every fourth."""
    return [
        said(k, row.text, reply=row.reply, tags={**row.tags, "upstream": "m2" if k % 4 == 0 else "m1"}, confidence=0.4)
        for k, row in enumerate(desk()[:n])
    ]


def found(some: list) -> list[Candidate]:
    return candidates(some, list(desk()[1000:1300]), np.zeros((len(some), 2)))


def test_every_kind_has_its_candidates() -> None:
    """Named as one would say them, with the rows that they hold."""
    some = rows()
    by_name = {one.name: one for one in found(some)}
    kinds = {one.kind for one in found(some)}
    assert kinds == {Kind.UPSTREAM, Kind.TAG, Kind.LENGTH, Kind.TOPIC, Kind.REPLY, Kind.BOTH, Kind.SIGN}
    assert by_name["upstream=m2"].kind is Kind.UPSTREAM
    assert by_name["upstream=m2"].members.sum() == 100
    words = np.array([len(row.text.split()) for row in some])
    assert abs(by_name["16 words or more"].members.mean() - (words >= 16).mean()) < 0.05
    assert by_name["confidence 0 to 0.5"].members.all()


def test_what_all_or_hardly_any_have_is_no_slice() -> None:
    """A script that all are written in, and a value of nine rows."""
    some = [said(k, "plain words", tags={"one": "a" if k < LEAST - 1 else "b"}) for k in range(200)]
    names = {one.name for one in found(some)}
    assert not names & {"script=latin", "one=a"}


def test_conjunctions_are_of_two_features_and_no_slice_over_again() -> None:
    """Both parts hold rows that the conjunction does not; they are at most MOST_PAIRS."""
    pairs = [one for one in found(rows()) if one.kind is Kind.BOTH]
    assert 0 < len(pairs) <= MOST_PAIRS
    for one in pairs:
        a, b = one.parts
        assert a.about != b.about
        assert (one.members == (a.members & b.members)).all()
        assert one.members.sum() < 0.9 * min(a.members.sum(), b.members.sum())
        assert Kind.REPLY not in (a.kind, b.kind)


def test_japanese_is_one_script() -> None:
    """Kana beside Chinese characters and Latin letters."""
    assert script("荷物はまだ届いていません ABC") == "kana"
    assert script("包裹还没有到") == "cjk"
    assert script("Где моя посылка?") == "cyrillic"
    assert script("12 34") == ""


SPANISH = (
    "mi paquete todavía no ha llegado y nadie contesta el teléfono",
    "quisiera cambiar la dirección antes del envío, por favor",
    "¿cuándo me devuelven el dinero de la lámpara?",
    "la bomba de agua hace mucho ruido desde ayer",
    "no puedo entrar en mi cuenta con la contraseña nueva",
)


def test_a_language_in_the_same_script_is_a_slice() -> None:
    """Every fifth request in Spanish is one, by name and row for row; the commonest language is none, for it would be
    but the requests that are long enough to tell.
    """
    some = [said(k, SPANISH[k % 25 // 5] if k % 5 == 0 else row.text) for k, row in enumerate(desk()[:400])]
    languages = [one for one in found(some) if one.kind is Kind.LANGUAGE]
    assert [one.name for one in languages] == ["language=es"]
    assert np.mean(languages[0].members == (np.arange(400) % 5 == 0)) > 0.99


def test_where_all_write_in_one_language_and_politely_neither_is_a_slice() -> None:
    """A thousand English messages, some of them short."""
    assert not [one for one in found(list(desk()[:1000])) if one.kind in (Kind.LANGUAGE, Kind.TONE)]


def test_insults_are_a_slice() -> None:
    """Every tenth request calls the reader names."""
    some = [said(k, f"{row.text} you idiots" if k % 10 == 0 else row.text) for k, row in enumerate(desk()[:300])]
    (tone,) = [one for one in found(some) if one.kind is Kind.TONE]
    assert tone.name == "toxic requests"
    assert tone.members[::10].all()


def of(kind: Kind, some: list, known: list | None = None) -> dict[str, np.ndarray]:
    """The candidates of a kind, by name."""
    every = candidates(some, known or some[:50], np.zeros((len(some), 2)))
    return {one.name: one.members for one in every if one.kind is kind}


def test_latencies_make_bands() -> None:
    """At round numbers, from both sides; a reply of which nobody knows how long it took is in none."""
    took = np.where(np.arange(200) % 10 == 0, 0.0, np.where(np.arange(200) % 4 == 0, 3_000.0, 70.0))
    found = of(Kind.LATENCY, [said(k, "plain words", latency_ms=float(ms)) for k, ms in enumerate(took)])
    assert (found["latency of 2 s or more"] == (took == 3_000.0)).all()
    assert (found["latency below 2 s"] == (took == 70.0)).all()
    assert (found["latency of 50 ms or more"] == (took > 0)).all()
    assert not {name for name in found if "5 s or more" in name or "below 50 ms" in name}


def test_refusals_broken_formats_and_lengths_of_replies() -> None:
    """Of replies that are texts: every fifth refuses, every fourth is JSON no more; of labels there are no lengths."""
    some = []
    for k in range(400):
        words = " ".join(f"w{k}x{j}" for j in range(40 if k % 3 == 0 else 3))
        reply = f"I'm sorry, but no: {words}" if k % 5 == 0 else f'{{"said": "{words}"}}' if k % 4 else words
        some.append(said(k, "plain words", reply=reply))
    known = [said(1_000 + k, "plain words", reply=f'{{"said": {k}}}') for k in range(60)]
    (refusal,) = of(Kind.REFUSAL, some, known).values()
    (broken,) = of(Kind.FORMAT, some, known).values()
    lengths = of(Kind.REPLY_LENGTH, some, known)
    assert (refusal == (np.arange(400) % 5 == 0)).all()
    assert (broken == ((np.arange(400) % 5 == 0) | (np.arange(400) % 4 == 0))).all()
    assert (lengths["replies of 32 words or more"] == (np.arange(400) % 3 == 0)).all()
    labels = [said(k, "plain words", reply="a" if k % 2 else "b c d e f") for k in range(200)]
    assert not of(Kind.REPLY_LENGTH, labels)
    assert not of(Kind.FORMAT, labels)


def test_days_and_parts_of_the_day() -> None:
    """Of a week of requests, one every quarter of an hour from a Thursday on; a time of 0 is in none."""
    some = [said(k, "plain words", time=900.0 * k) for k in range(672)]
    found = of(Kind.HOUR, some)
    hours = np.arange(672) // 4
    known = np.arange(672) > 0
    assert len(found) == 7 + 1 + 6
    assert (found["on Thursdays"] == (known & (hours < 24))).all()
    assert (found["at the weekend"] == ((hours >= 48) & (hours < 96))).all()
    assert (found["from 20 to 24 UTC"] == (hours % 24 >= 20)).all()


def test_what_came_of_requests_is_no_part_of_two_at_once() -> None:
    """Nor do such rules take the places of pairs of requests' own properties."""
    some = [replace(row, latency_ms=float(20 + k % 90)) for k, row in enumerate(rows())]
    without, found = found_pairs(rows()), found_pairs(some)
    assert not {part.kind for one in found for part in one.parts} & BESIDE
    assert [one.members.sum() for one in found] == [one.members.sum() for one in without]


def found_pairs(some: list) -> list[Candidate]:
    return [one for one in found(some) if one.kind is Kind.BOTH]
