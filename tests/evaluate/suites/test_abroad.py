"""Another language around a request and between its words: what is asked stays, and the language is one for a text."""

from __future__ import annotations

import pytest

from homeostat.evaluate.suites.abroad import LANGUAGES, SHARE, TABLES
from homeostat.evaluate.suites.disturb import NAMES, disturbed

TEXTS = [f"Please tell me where my parcel {k} is, and how I get the money for it back today" for k in range(30)]
LITTLE = [word for word in TEXTS[0].lower().replace(",", "").split() if word in TABLES["de"]]


def test_a_greeting_leaves_the_request_whole() -> None:
    """Every request stands as it was between a greeting and a farewell; thirty get most of the six, the same again."""
    made = [disturbed(text, "greeted_abroad") for text in TEXTS]
    assert all(text in other for text, other in zip(TEXTS, made, strict=True))
    assert made == [disturbed(text, "greeted_abroad") for text in TEXTS]
    frames = {other.replace(text, "{}") for text, other in zip(TEXTS, made, strict=True)}
    assert len(frames) >= 5
    assert all(frame.index("{}") > 5 and len(frame) - frame.index("{}") > 10 for frame in frames)


def test_little_words_are_switched_into_one_language() -> None:
    """Three in four of those with an entry; all others stay where they were; each language gets its turn."""
    drawn = set()
    for text in TEXTS:
        # Forms of two words keep their words apart, so that places stay countable.
        found = disturbed(text, "switched")
        fits = [one for one in LANGUAGES if _undone(found, one) == text.lower()]
        assert fits, found
        drawn.update(fits if len(fits) == 1 else ())
        kept = [word for word in LITTLE if f" {word} " in f" {found.lower().replace(',', '')} "]
        assert len(kept) <= len(LITTLE) - round(SHARE * len(LITTLE)) + 1
    assert drawn == {*LANGUAGES}


def _undone(text: str, language: str) -> str:
    """The text in small letters with every switched word put back, the longest first."""
    back: dict[str, list[str]] = {}
    for word, other in TABLES[language].items():
        back.setdefault(other.lower(), []).append(word)
    found = f" {text.lower()} ".replace(",", " ,")
    for other in sorted(back, key=len, reverse=True):
        for word in back[other]:
            if other != word and f" {word} " in f" {TEXTS[0].lower()} ".replace(",", " ,"):
                found = found.replace(f" {other} ", f" {word} ")
    return found.strip().replace(" ,", ",")


def test_words_are_written_as_they_were() -> None:
    """A capital stays one; a text without any such word stays."""
    assert disturbed("Hello", "switched") in {"Hallo", "Bonjour", "Hola"}
    assert disturbed("THANKS", "switched") in {"DANKE", "MERCI", "GRACIAS"}
    assert disturbed("parcel lost", "switched") == "parcel lost"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_entry_turns_what_is_asked(language: str) -> None:
    """Negations have none, and neither do the things that requests are told apart by."""
    table = TABLES[language]
    assert not {"no", "not", "never", "none", "nothing", "refund", "order", "card", "when"} & table.keys()
    assert all(other.strip() == other and "~" not in other for other in table.values())
    assert sum(word != other for word, other in table.items()) > 40


def test_nobody_is_trained_on_them() -> None:
    """The recipe `disturbed` knows none of these, so that the suite stays a question."""
    assert not {"greeted_abroad", "switched", "ahead_4000", "buried_50", "buried_4000"} & {*NAMES}
