from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from homeostat.config.schema import Config
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from homeostat.web.routes import routes
from house.source import ROOT
from receiver import free_port
from web import factory
from web.test_report import outline

PAGES = (
    "/ui",
    "/ui/traffic",
    "/ui/drift",
    "/ui/alerts",
    "/ui/versions",
    "/ui/changes",
    "/ui/turns",
    f"/ui/turns/{factory.TURN}",
    f"/ui/why/{factory.SECOND}",
    "/ui/why/int_00000000000000000000",
)


def twin(client: TestClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_and_every_twin_answers(client: TestClient, path: str) -> None:
    """A page is whole HTML with one main heading at most and points at a twin that is JSON."""
    page = client.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    found = outline(page.text)
    assert f"{path}.json" in found.addresses
    assert twin(client, f"{path}.json")["project"] == "brightwick"


@pytest.mark.parametrize("path", PAGES[:6])
def test_every_page_answers_before_anything_happened(client_of_nothing: TestClient, path: str) -> None:
    """An empty store is told in words."""
    page = client_of_nothing.get(path).text
    outline(page)
    assert "yet" in page
    twin(client_of_nothing, f"{path}.json")


@pytest.mark.parametrize("path", PAGES[:6])
def test_a_project_without_tasks_has_pages(empty: Store, path: str) -> None:
    """The first start, before anything is configured, is no error."""
    client = TestClient(Starlette(routes=routes(empty, Config())))
    assert client.get(path).status_code == 200
    twin(client, f"{path}.json")


@pytest.mark.parametrize("path", PAGES)
def test_no_script_ever_reaches_a_page(client: TestClient, path: str) -> None:
    """A script tag in a message is text; no page has a script or loads anything but its stylesheet."""
    page = client.get(path)
    found = outline(page.text)
    assert "script" not in found.tags
    assert factory.HOSTILE not in page.text
    assert all(address.startswith(("/ui", "#")) for address in found.addresses)
    assert "script-src" not in page.headers["content-security-policy"]
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_lie_well_in_a_browser(store: Store, scheme: str, tmp_path: Path) -> None:
    """In a real Chromium, on a phone and on a desk: nothing is wider than the window, and the console hears nothing.
    On paper of the scheme that the reader prefers. Skipped where PyQt6-WebEngine is not installed.
    """
    python = os.environ.get("HOMEOSTAT_BROWSER_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import PyQt6.QtWebEngineWidgets"], capture_output=True, check=False).returncode:
        pytest.skip("no PyQt6-WebEngine: `pip install PyQt6-WebEngine`, or name a Python in HOMEOSTAT_BROWSER_PYTHON")
    paths = (*PAGES, "/ui/quality", f"/ui/drift?version={factory.FIRST}")
    with listening(Starlette(routes=routes(store, factory.config()))) as address:
        wanted = [(width, f"{address}{path}") for path in paths for width in (400, 1400)]
        command = [python, str(ROOT / "bench" / "browser.py"), scheme, "-"]
        command += [str(part) for pair in wanted for part in pair]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    seen = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(one["asked"], one["url"]) for one in seen] == wanted, done.stderr[-2_000:]
    for one in seen:
        assert (one["width"] <= one["window"], one["out"], one["console"]) == (True, [], []), one
    paper = {"light": "rgb(252, 251, 248)", "dark": "rgb(20, 23, 26)"}[scheme]
    assert {one["paper"] for one in seen} == {paper}


@contextmanager
def listening(app: Starlette) -> Iterator[str]:
    """The application behind a port of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join()


def test_hostile_messages_are_shown_as_they_came(client: TestClient) -> None:
    """The message with a script tag is on the traffic page, escaped, and whole in the twin."""
    until = factory.START + 10_000
    assert "&lt;script&gt;alert(&#39;owned&#39;)&lt;/script&gt;" in client.get(f"/ui/traffic?until={until}").text
    assert twin(client, f"/ui/traffic.json?until={until}")["interactions"][-1]["text"] == factory.HOSTILE


def test_hostile_parameters_are_escaped(client: TestClient) -> None:
    """What stands in the address is not believed either."""
    for address in ("/ui/traffic", "/ui/drift", "/ui/alerts", "/ui/versions", "/ui/turns"):
        for name in ("task", "version", "tag", "until"):
            page = client.get(address, params={name: '"><script>alert(1)</script>'}).text
            assert "<script" not in page
    assert "<script" not in client.get("/ui/why/<script>alert(1)<%2Fscript>").text


def test_broken_text_does_not_break_a_page(store: Store, client: TestClient) -> None:
    """Lone surrogates, control characters and confidence that is no number are shown somehow."""
    odd = factory.interaction(9_999, "a\ud800b\x00\x1b c", "d", confidence=float("nan"), tags={"a": "\ud800"})
    store.interactions.add([odd])
    assert client.get("/ui/traffic").status_code == 200
    assert client.get("/ui").status_code == 200
    assert twin(client, "/ui/traffic.json")["interactions"][0]["confidence"] is None
    assert client.get(f"/ui/why/{odd.id}").status_code == 200


def test_pages_change_nothing(client: TestClient) -> None:
    """Only reading is offered."""
    for path in (*PAGES, "/ui.json"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert client.request(method, path).status_code == 405


def test_looking_at_every_page_leaves_the_database_as_it_was(store: Store, client: TestClient) -> None:
    """Not a row more or less after everything was looked at."""

    def dump() -> list[Any]:
        engine = create_engine(store._database.url)
        with engine.connect() as connection:
            names = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
            found = [connection.execute(text(f'select * from "{name}"')).fetchall() for name in sorted(names)]
        engine.dispose()
        return found

    before = dump()
    for path in PAGES:
        client.get(path)
        client.get(f"{path}.json")
    assert dump() == before


def test_only_the_overview_refreshes_itself(client: TestClient) -> None:
    """A page that is being read does not move under the reader."""
    refreshing = [path for path in PAGES if 'http-equiv="refresh"' in client.get(path).text]
    assert refreshing == ["/ui"]


def test_an_unknown_id_is_a_page_that_says_what_to_do(client: TestClient) -> None:
    """The error has its code and the ids that may have been meant, for people and for programs."""
    wrong = factory.SECOND[:-1] + "z"
    page = client.get(f"/ui/why/{wrong}")
    assert page.status_code == 404
    assert NotFound.code in page.text
    assert f"did you mean {factory.SECOND}?" in page.text
    answer = client.get(f"/ui/turns/{factory.TURN[:-1]}z.json")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == NotFound.code


def test_unknown_tasks_and_broken_numbers_are_refused(client: TestClient) -> None:
    """A task that is not configured is not found; a time that is no number is a bad request."""
    assert client.get("/ui/traffic?task=nowhere").status_code == 404
    assert "did you mean" in client.get("/ui/versions?task=routin").text
    assert client.get("/ui/traffic?until=yesterday").status_code == 400
    assert client.get("/ui/traffic.json?until=yesterday").json()["error"]["where"] == "until"


def test_the_stylesheet_is_served(client: TestClient) -> None:
    """One stylesheet for every page."""
    answer = client.get("/ui/style.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "--paper" in answer.text


def test_the_twin_is_ascii(store: Store, client: TestClient) -> None:
    """Whatever a message holds, any reader of JSON can read the twin."""
    row: Interaction = factory.interaction(9_998, "übel \ud800", "d")
    store.interactions.add([row])
    answer = client.get("/ui/traffic.json")
    assert json.loads(answer.content.decode("ascii"))["interactions"][0]["text"] == "übel \ud800"


def test_the_root_leads_to_the_pages(client: TestClient) -> None:
    """Whoever opens the gateway's address in a browser sees the overview, not an error."""
    answer = client.get("/")
    assert answer.history[0].headers["location"] == "/ui"
    assert answer.url.path == "/ui"
