"""The store: one object with a narrow part per noun."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from homeostat.store import tables
from homeostat.store.alerts import Alerts, Silences
from homeostat.store.audit import Audit
from homeostat.store.blobs import Blobs
from homeostat.store.database import Database
from homeostat.store.deliveries import Deliveries
from homeostat.store.edges import Lineage
from homeostat.store.erasure import Erasure
from homeostat.store.feedback import Feedbacks
from homeostat.store.garbage import Garbage, collect
from homeostat.store.interactions import Interactions
from homeostat.store.migrate import upgrade
from homeostat.store.notes import Aliases, Configs, Events, States
from homeostat.store.nouns import Nouns, Releases, Turns, Versions
from homeostat.store.remains import Remains, remains
from homeostat.store.vectors import Vectors
from homeostat.store.verify import problems
from homeostat.types.alert import Alert
from homeostat.types.dataset import Dataset
from homeostat.types.decision import Decision
from homeostat.types.release import Release
from homeostat.types.report import Report, Verdict
from homeostat.types.signal import Signal
from homeostat.types.silence import Silence
from homeostat.types.turn import Turn
from homeostat.types.version import Version


class Store:
    """Rows in a database and files in a folder. Safe to use from many threads, and from many processes at once.

    Every method that writes is durable when it returns, and has changed nothing when it raises.
    """

    def __init__(self, database: Database, blobs: Blobs) -> None:
        self._database = database
        self.blobs = blobs
        self.interactions = Interactions(database)
        self.feedback = Feedbacks(database)
        self.signals = Nouns(database, Signal, tables.signals, "sig")
        self.decisions = Nouns(database, Decision, tables.decisions, "dec")
        self.datasets = Nouns(database, Dataset, tables.datasets, "dst")
        self.versions = Versions(database, Version, tables.versions, "ver")
        self.reports = Nouns(database, Report, tables.reports, "rep")
        self.verdicts = Nouns(database, Verdict, tables.verdicts, "vdt")
        self.releases = Releases(database, Release, tables.releases, "rel")
        self.turns = Turns(database, Turn, tables.turns, "trn")
        self.alerts = Alerts(database, Alert, tables.alerts, "alr")
        self.silences = Silences(database, Silence, tables.silences, "sil")
        self.deliveries = Deliveries(database)
        self.lineage = Lineage(database)
        self.aliases = Aliases(database)
        self.events = Events(database)
        self.state = States(database)
        self.configs = Configs(database)
        self.vectors = Vectors(database, self.state)
        self.audit = Audit(database)
        self.erasure = Erasure(database, blobs)

    @classmethod
    def open(cls, url: str, blobs: str | Path) -> Self:
        """The store of a database URL (`sqlite:///…`, `postgresql://…`) and a folder for blobs.

        Creates what is not there and brings older tables up to date.

        Raises:
            StoreUnreachable: the database cannot be opened, or a newer Homeostat wrote it.
            StoreFull: the disk is full.
        """
        database = Database(url)
        try:
            upgrade(database)
            return cls(database, Blobs(blobs))
        except BaseException:
            database.close()
            raise

    def sign_as(self, who: str) -> None:
        """Who stands in the audit log for what is written from now on; the user of the machine if this is not said."""
        self._database.who = who

    @property
    def signs(self) -> str:
        """Whoever that is; a number where the machine has no name for its user, as containers often have not."""
        return self._database.who

    def remains(self, folders: Iterable[Path], texts: Iterable[str], staying: Iterable[str] = ()) -> Remains:
        """What is left of texts in the files of some folders, and in the rows where they are in no file.

        Pieces of them that stand in rows of the log, or in what is `staying` besides, are everybody's.
        """
        return remains(folders, texts, self._database, chain(self.erasure.said(), staying))

    def verify(self) -> list[str]:
        """What is wrong with the store, a sentence each: rows that have changed since they were written, a broken audit
        log, references to nothing, counts that do not add up, blobs that are gone or have changed. Reads everything.
        """
        return problems(self._database, self.blobs)

    def collect_garbage(self, *, dry_run: bool) -> Garbage:
        """Remove blobs that nothing points to, or only say which. Raises as `store.garbage.collect`."""
        found = collect(self._database, self.blobs, dry_run=dry_run)
        if found.blobs and not dry_run:
            self.audit.note(f"garbage, {len(found.blobs)} blobs", "blobs", "")
        return found

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
