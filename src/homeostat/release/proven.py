"""Over which bytes of a base a version was proven, and whether it stands on the same ones here."""

from __future__ import annotations

from homeostat.errors import OtherBase
from homeostat.llm.content import bytes_of, folder_of, shown
from homeostat.store import Store
from homeostat.store.rows import plain
from homeostat.types.report import Base
from homeostat.types.version import Version

VOUCHED = "base of version"
"""Begins what the audit log says of a version that answers on a person's word; the reason follows."""


def vouch(store: Store, version: Version, base: Base | None, because: str = "") -> None:
    """Keep that a person had a version answer on these bytes, in place of what its verdict names, and in the audit log
    the reason that was given; where that is so already, nothing.
    """
    if base is None or over(store, version) == base:
        return
    store.state.put(f"stands:{version.id}", plain(base))
    store.audit.note(": ".join(filter(None, (VOUCHED, because))), version.id, base.content)


def over(store: Store, version: Version) -> Base | None:
    """Which bytes of a base a version was proven over: those that a person vouched for, else those of its newest
    verdict; None where neither names any, as in verdicts from before bases were hashed.
    """
    vouched = store.state.get(f"stands:{version.id}")
    if isinstance(vouched, dict):
        return Base(**vouched)
    said = [one.base for one in store.verdicts.list(version.task) if one.candidate == version.id]
    return said[-1] if said else None


def swapped(store: Store, version: Version, base: str = "", opened: Base | None = None) -> OtherBase | None:
    """What to say where a version stands on other bytes here than those it was proven over; None where on the same, and
    where nobody wrote down which those were.

    `base` is the project's, and the one that is named beside those bytes if it is left out; `opened` is what a process
    has open of it, and what lies at its place now if it is left out.
    """
    proven = over(store, version)
    if proven is None:
        return None
    name = version.stands_on(base or proven.name)
    here = opened if opened and opened.name == name else bytes_of(store, name)
    if here and here.content == proven.content:
        return None
    found = f"here {name} is {shown(here)}" if here else f"{name} is not here"
    return OtherBase(
        f"{version.id} was proven over {proven.name} as it was then ({shown(proven)}), and {found}",
        where=str(folder_of(name) or name),
        fix="put the old base back and start again, or train a version that is gated over this one; `homeostat "
        f"promote {version.id}` has it answer on this one on your word",
    )
