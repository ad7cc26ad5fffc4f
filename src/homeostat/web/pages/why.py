"""Where a noun came from and what came of it."""

from __future__ import annotations

from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.store.lineage import why
from homeostat.web.pages.page import Asked, Data, Page
from homeostat.web.plain import plain


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The lineage tree of any id.

    Raises:
        NotFound: the store does not hold it.
    """
    return {"tree": plain(why(store, asked["id"]))}


PAGE = Page(path="/why/{id}", name="", template="why.html", data=data)
