"""The gateway as an ASGI application around an answerer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from homeostat.collect.unanswered import Unanswered
from homeostat.errors import HomeostatError
from homeostat.gateway.auth import RequireKey
from homeostat.gateway.chat import chat_completions
from homeostat.gateway.feedback import feedback
from homeostat.gateway.limits import MOST_BYTES, BodyLimit
from homeostat.gateway.metrics import CHAT, CountRequests, Metrics, metrics
from homeostat.gateway.problems import on_anything, on_homeostat_error, on_http_exception
from homeostat.gateway.status import healthz, models
from homeostat.serve.answer import Answerer

ROUTES = (
    Route(CHAT, chat_completions, methods=["POST"]),
    Route("/v1/feedback", feedback, methods=["POST"]),
    Route("/v1/models", models),
    Route("/healthz", healthz),
    Route("/metrics", metrics),
)


def build(
    answerer: Answerer,
    *,
    most_bytes: int = MOST_BYTES,
    pages: Sequence[BaseRoute] = (),
    keys: Collection[str] = (),
) -> Starlette:
    """The application; `answerer` is its whole state, and closing it is up to the caller. `pages` go beside the API.
    Where there are `keys`, nothing is answered without one of them.
    """
    counts, unanswered = Metrics(answerer), Unanswered(answerer.store, frozenset(answerer.tasks))
    app = Starlette(
        routes=[*ROUTES, *pages],
        middleware=[
            Middleware(CountRequests, metrics=counts, paths=[route.path for route in ROUTES], unanswered=unanswered),
            *([Middleware(RequireKey, keys=keys)] if keys else []),
            Middleware(BodyLimit, most_bytes=most_bytes),
        ],
        exception_handlers={
            HomeostatError: on_homeostat_error,
            HTTPException: on_http_exception,
            Exception: on_anything,
        },
    )
    app.state.answerer = answerer
    app.state.metrics = counts
    return app
