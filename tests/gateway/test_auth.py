"""Nobody is let in from elsewhere without a key."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from homeostat.errors import NotLetIn
from homeostat.gateway.auth import SHORTEST, VARIABLE, is_local, keys_of
from homeostat.gateway.server import served
from homeostat.serve.answer import Answerer

KEY, OTHER = "k" * SHORTEST, "another-key-of-24-letters"


@pytest.fixture
def locked(answerer: Answerer) -> Iterator[str]:
    """A gateway that takes two keys."""
    with served(answerer, answerer.gateway, keys={KEY, OTHER}) as url:
        yield url


@pytest.mark.parametrize("key", [KEY, OTHER])
def test_the_ordinary_client_with_a_key(locked: str, key: str) -> None:
    """It is its api_key."""
    with openai.OpenAI(base_url=f"{locked}/v1", api_key=key, max_retries=0) as client:
        messages = [{"role": "user", "content": "parcel"}]
        assert client.chat.completions.create(model="routing", messages=messages).id  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["none", KEY[:-1], KEY + "k", KEY.upper(), " ", f"{KEY},{OTHER}"])
def test_nothing_is_answered_without(locked: str, answerer: Answerer, key: str) -> None:
    """Not even the list of models; what was refused is in no log of requests."""
    headers = {"Authorization": f"Bearer {key}".strip()}
    body = {"model": "routing", "messages": [{"role": "user", "content": "parcel"}]}
    for got in (
        httpx.post(f"{locked}/v1/chat/completions", json=body, headers=headers),
        httpx.post(f"{locked}/v1/feedback", json=[], headers=headers),
        httpx.get(f"{locked}/v1/models", headers=headers),
        httpx.get(f"{locked}/metrics", headers=headers),
        httpx.get(f"{locked}/nowhere", headers=headers),
    ):
        assert (got.status_code, got.json()["error"]["code"]) == (401, NotLetIn.code)
        assert got.headers["www-authenticate"] == "Bearer"
        assert KEY not in got.text
    assert answerer.store.interactions.count("routing") == 0


def test_a_browser_is_asked_for_the_password(locked: str) -> None:
    """The key, with any name; what is no such header is no key."""
    asked = httpx.get(f"{locked}/v1/models", headers={"accept": "text/html,*/*"})
    assert asked.headers["www-authenticate"] == 'Basic realm="homeostat"'
    assert httpx.get(f"{locked}/v1/models", auth=("anybody", KEY)).status_code == 200
    for header in ("Basic", "Basic %%%", "Basic " + base64.b64encode(b"\xff\xfe").decode(), KEY, f"Token {KEY}"):
        assert httpx.get(f"{locked}/v1/models", headers={"Authorization": header}).status_code == 401


def test_a_probe_needs_none(locked: str) -> None:
    """Whether it lives may be asked by anybody."""
    assert httpx.get(f"{locked}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.7", False), ("example.org", False), ("", False)],
)  # fmt: skip
def test_who_can_reach_it(host: str, local: bool, tmp_path: Path) -> None:
    """From this machine alone nobody needs a key; from elsewhere there is one, whether it was given or not."""
    assert is_local(host) is local
    keys, file = keys_of(host, tmp_path, {})
    assert (bool(keys), file is not None) == (not local, not local)
    assert keys_of(host, tmp_path, {VARIABLE: f"{KEY}, {OTHER}"}) == ({KEY, OTHER}, None)


def test_the_key_that_is_made_is_kept_to_its_owner(tmp_path: Path) -> None:
    """The same one at every start; refused where others could read it, or where the file holds none."""
    (first,), file = keys_of("0.0.0.0", tmp_path, {})
    assert file is not None
    assert (len(first) > 40, stat.S_IMODE(file.stat().st_mode)) == (True, 0o600)
    assert keys_of("::", tmp_path, {}) == ({first}, file)
    file.chmod(0o644)
    with pytest.raises(NotLetIn, match="read by others"):
        keys_of("0.0.0.0", tmp_path, {})
    file.chmod(0o600)
    file.write_text("short\n")
    with pytest.raises(NotLetIn, match="no key"):
        keys_of("0.0.0.0", tmp_path, {})


def test_a_short_key_is_none(tmp_path: Path) -> None:
    """It is counted, and never shown."""
    with pytest.raises(NotLetIn) as told:
        keys_of("127.0.0.1", tmp_path, {VARIABLE: f"hunter2 {KEY}"})
    assert "1 of the keys" in str(told.value)
    assert "hunter2" not in str(told.value)


def test_the_word_before_a_key_may_be_written_anyhow(locked: str) -> None:
    """Schemes know no case (RFC 9110), and space before a key is none of it."""
    for header in (f"bearer {KEY}", f"BEARER  {KEY}"):
        assert httpx.get(f"{locked}/v1/models", headers={"Authorization": header}).status_code == 200
