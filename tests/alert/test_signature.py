"""Signatures: made, checked, and checked by the function that the manual gives to receivers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homeostat.alert.signature import TOLERANCE_S, sign, verify

SECRET, BODY, NOW = b"s3cret", b'{"event":"fired"}', 1_760_000_000.4
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "be-told.md"


def of_the_manual() -> Callable[..., bool]:
    """The function that the page gives to whoever writes a receiver."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(source, names)
    found: Callable[..., bool] = names["verify"]
    return found


CHECKS = {"ours": verify, "manual": of_the_manual()}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_signature_holds_for_its_secret_body_and_moment_alone(check: Callable[..., bool]) -> None:
    """Another secret, a body with one byte changed, another moment: none of them passes."""
    header = sign(SECRET, BODY, NOW)
    assert check(SECRET, BODY, header, NOW)
    assert not check(b"other", BODY, header, NOW)
    assert not check(SECRET, BODY[:-1] + b"]", header, NOW)
    assert not check(SECRET, BODY, header.replace("t=1760000000", "t=1760000001"), NOW)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_an_old_signature_is_refused(check: Callable[..., bool]) -> None:
    """What was recorded cannot be played again later."""
    header = sign(SECRET, BODY, NOW)
    assert check(SECRET, BODY, header, NOW + TOLERANCE_S - 1)
    assert not check(SECRET, BODY, header, NOW + TOLERANCE_S + 1)
    assert not check(SECRET, BODY, header, NOW - TOLERANCE_S - 1)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("header", ["", "t=", "v1=abc", "t=abc,v1=abc", "t=1760000000", "t=1760000000,v1=", "t=²,v1=é"])
def test_what_is_no_signature_is_refused_without_an_error(check: Callable[..., bool], header: str) -> None:
    """Whatever stands in the header, the answer is no."""
    assert not check(SECRET, BODY, header, NOW)


def test_the_signature_is_the_one_that_other_languages_compute() -> None:
    """HMAC-SHA256 over the moment's digits, a point and the body, in hexadecimal; computed with `openssl dgst`."""
    expected = "t=1760000000,v1=583f4ff637180fe44b99ca521829c57cda39218b2d761ce857ac5d87dd5c7e5a"
    assert sign(SECRET, BODY, NOW) == expected
