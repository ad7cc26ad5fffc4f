"""Where a noun came from and what came of it, and how the run of a version went."""

from __future__ import annotations

from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.store.lineage import why
from homeostat.web import plots, training
from homeostat.web.pages.page import Asked, Data, Page
from homeostat.web.plain import plain


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The lineage tree of any id; of a version also the losses and the course of its run.

    Raises:
        NotFound: the store does not hold it.
    """
    tree, seen = plain(why(store, asked["id"])), training.looks(store, asked["id"])
    return {"tree": tree, "losses": training.losses(seen), "course": training.course(seen)}


def draw(data: Data) -> Data:
    """The losses and the gauges of the run."""
    version = data["tree"]["id"]
    curves = plots.losses([{"version": version, "points": data["losses"]}])
    return {"curves": curves, "losses_key": plots.losses_key(), "gauges": training.gauges(version, data["course"])}


PAGE = Page(path="/why/{id}", name="", template="why.html", data=data, draw=draw)
