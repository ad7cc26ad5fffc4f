"""The error for an id that is not there, with the ids that may have been meant."""

from __future__ import annotations

from sqlalchemy import Connection, Table, select

from homeostat.errors import NotFound

NOUNS = {
    "int": "interaction",
    "fbk": "feedback",
    "sig": "signal",
    "dec": "decision",
    "dst": "dataset",
    "ver": "version",
    "rep": "report",
    "vdt": "verdict",
    "rel": "release",
    "trn": "turn",
    "alr": "alert",
    "sil": "silence",
    "dlv": "delivery",
}
"""What an id begins with -> the noun it names."""
STORE = "the project's store"
LISTED = {
    "ver": "`homeostat versions` lists them",
    "sig": "`homeostat watch` lists them",
    "trn": "`homeostat approve` lists those that wait, the page /ui/turns all of them",
    "alr": "`homeostat alerts` lists them",
    "sil": "`homeostat alerts silences` lists them",
    "dlv": "`homeostat alerts` lists those that are not sent",
}
"""Where a noun's ids are found."""


def not_found(connection: Connection, table: Table, prefix: str, id: str) -> NotFound:
    """The error to raise when `table`, whose ids begin with `prefix`, does not hold `id`."""
    begins = id.partition("_")[0]
    if begins != prefix and begins in NOUNS:
        a = "an" if NOUNS[begins][0] in "aeiou" else "a"
        what = f"no {NOUNS[prefix]} '{id}': an id that begins with {begins}_ is {a} {NOUNS[begins]}'s"
        return NotFound(what, where=STORE, fix=f"give one like {prefix}_…")
    near = _nearest(connection, table, id)
    fix = f"did you mean {' or '.join(near)}?" if near else LISTED.get(prefix, "")
    if not near and begins not in NOUNS:
        fix = "; ".join(filter(None, (f"its id begins with {prefix}_", LISTED.get(prefix, ""))))
    return NotFound(f"no {NOUNS[prefix]} '{id}'", where=STORE, fix=fix)


def _nearest(connection: Connection, table: Table, id: str) -> list[str]:
    """Up to three ids that share the longest beginning with `id`, past the noun's own letters."""
    for length in range(len(id), len("int_"), -1):
        start = id[:length]
        query = select(table.c.id).where(table.c.id >= start, table.c.id <= start + "~").order_by(table.c.id).limit(3)
        if near := list(connection.execute(query).scalars()):
            return near
    return []
