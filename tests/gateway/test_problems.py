"""Errors as the API writes them."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.requests import Request

from homeostat.errors import BadRequest, HomeostatError, NothingReleased, StoreFull, StoreUnreachable, Tampered
from homeostat.gateway.problems import on_homeostat_error


def test_paths_and_methods_that_do_not_exist_have_error_objects_too(address: str) -> None:
    """A client of the API can read whatever comes back."""
    missing = httpx.post(f"{address}/v1/completions", json={})
    wrong = httpx.get(f"{address}/v1/chat/completions")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert missing.json()["error"]["message"] == "Not Found: POST /v1/completions"
    assert wrong.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("kind", "status"),
    [(BadRequest, 400), (NothingReleased, 503), (StoreUnreachable, 503), (StoreFull, 507), (Tampered, 500)],
)
def test_every_error_has_its_status_and_says_code_place_and_fix(kind: type[HomeostatError], status: int) -> None:
    """What a person needs stands in the message, what a program needs beside it."""
    request = Request({"type": "http", "method": "POST", "path": "/v1/feedback", "headers": []})
    got = asyncio.run(on_homeostat_error(request, kind("it broke", where="there", fix="mend it")))
    error = json.loads(bytes(got.body))["error"]
    assert got.status_code == status
    assert error == {
        "message": "it broke (there) — fix: mend it",
        "type": "invalid_request_error" if status < 500 else "server_error",
        "param": "there",
        "code": kind.code,
    }
