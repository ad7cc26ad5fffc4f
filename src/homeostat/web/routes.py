"""The pages under `/ui`, each with its twin: `/ui/drift` for people, `/ui/drift.json` for programs. They only read."""

from __future__ import annotations

import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from homeostat.config.schema import Config
from homeostat.errors import BadRequest, HomeostatError, NotFound, StoreUnreachable, UnknownKey
from homeostat.store import Store
from homeostat.web.environment import set_page, stylesheet
from homeostat.web.pages import alerts, changes, drift, overview, quality, traffic, turn, turns, versions, why
from homeostat.web.pages.page import PREFIX, Asked, Data, Page

PAGES = (
    *(overview.PAGE, traffic.PAGE, drift.PAGE, quality.PAGE, alerts.PAGE),
    *(versions.PAGE, changes.PAGE, turns.PAGE, turn.PAGE, why.PAGE),
)
MENU = tuple((page.name, PREFIX + page.path) for page in PAGES if page.name and "{" not in page.path)
_STATUS = ((NotFound, 404), (UnknownKey, 404), (BadRequest, 400), (StoreUnreachable, 503))
_HEADERS = {
    # No script runs on these pages, not even one that got past the escaping.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Answer = Callable[[Request], Response]


def routes(store: Store, config: Config) -> list[Route]:
    """Every page, every twin, and the stylesheet; reading from the store as each request comes."""
    found = [Route("/", _home), Route(f"{PREFIX}/style.css", _style)]
    for page in PAGES:
        # The twin first: `{id}` would take `….json` for an id.
        found.append(Route(f"{PREFIX}{page.path}.json", _answer(page, store, config, _as_json)))
        found.append(Route(f"{PREFIX}{page.path}", _answer(page, store, config, _as_html)))
    return found


def _answer(page: Page, store: Store, config: Config, write: Callable[[Request, Page, Data], Response]) -> Answer:
    def answer(request: Request) -> Response:
        asked: Asked = {**request.query_params, **request.path_params}
        try:
            return write(request, page, {"project": config.project, **page.data(store, config, asked)})
        except HomeostatError as problem:
            return _problem(problem, request, config)

    return answer


def _home(request: Request) -> Response:
    return RedirectResponse(PREFIX)


def _as_json(request: Request, page: Page, data: Data) -> Response:
    return _json(data)


def _as_html(request: Request, page: Page, data: Data) -> Response:
    twin = f"{request.url.path.rstrip('/')}.json" + (f"?{request.url.query}" if request.url.query else "")
    shell = {"page": page, "menu": MENU, "prefix": PREFIX, "twin": twin}
    return _html(set_page(page.template, {**data, **page.draw(data), **shell}))


def _problem(problem: HomeostatError, request: Request, config: Config) -> Response:
    """The error as a page or, for a twin, as an object."""
    status = next((status for kind, status in _STATUS if isinstance(problem, kind)), 500)
    said = {"code": problem.code, "what": problem.what, "where": problem.where, "fix": problem.fix}
    if request.url.path.endswith(".json"):
        return _json({"error": said}, status)
    shell = {"page": None, "menu": MENU, "prefix": PREFIX, "twin": "", "project": config.project}
    return _html(set_page("problem.html", {"problem": said, **shell}), status)


def _html(text: str, status: int = 200) -> Response:
    return Response(text, status, media_type="text/html", headers=_HEADERS)


def _json(data: Data, status: int = 200) -> Response:
    text = json.dumps(data, allow_nan=False, indent=1)
    return Response(text, status, media_type="application/json", headers=_HEADERS)


def _style(request: Request) -> Response:
    return Response(stylesheet(), media_type="text/css", headers=_HEADERS | {"Cache-Control": "max-age=300"})
