from __future__ import annotations

import pytest
from jinja2 import UndefinedError

from homeostat.web.environment import environment, set_page, stylesheet
from homeostat.web.words import about

SHELL = {"page": None, "menu": (), "prefix": "/ui", "twin": "", "project": "<b>"}
PROBLEM = {"code": "E1", "what": "<script>", "where": "here", "fix": "mend it"}


def test_every_value_is_escaped() -> None:
    """What a user wrote is text, in the masthead and in the page."""
    page = set_page("problem.html", {**SHELL, "problem": PROBLEM})
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;" in page


def test_half_characters_become_question_marks() -> None:
    """No encoding can carry them."""
    page = set_page("problem.html", {**SHELL, "problem": PROBLEM | {"what": "a\ud800b"}})
    assert "a?b" in page
    assert page.encode("utf-8")


def test_a_page_that_asks_for_what_is_not_there_fails() -> None:
    """An empty place would pass unseen."""
    with pytest.raises(UndefinedError):
        set_page("problem.html", SHELL)


def test_templates_speak_as_the_command_line_does() -> None:
    """With the same words for numbers; the stylesheet is read once."""
    assert environment().from_string("{{ 5.7 | about }}").render() == about(5.7)
    assert stylesheet() is stylesheet()
