"""One registry for everything that is chosen by name: detectors, policies, recipes, metrics, backends.

A name stands for `module:attribute` and is imported only when it is first asked for, so that a hundred plugins cost
nothing until one of them is used. Installed packages add names through entry points of the registry's group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Generic, TypeVar, cast

from homeostat.errors import BrokenPlugin, MissingExtra, TakenName, UnknownPlugin, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A name's target and who provides it."""

    target: str
    """`package.module:attribute`."""
    by: str
    """Name of the distribution."""


class Registry(Generic[T]):
    """Names of one kind of thing. `T` is what a name resolves to: a class, a function."""

    def __init__(self, kind: str, group: str, own: Mapping[str, str] = MappingProxyType({})) -> None:
        """`kind` is the word in messages (`detector`), `group` the entry-point group (`homeostat.detectors`), `own` the
        names that are there from the start, with their targets.
        """
        self.kind, self.group = kind, group
        self._offers = {name: Offer(target=target, by="homeostat") for name, target in own.items()}
        self._loaded: dict[str, T] = {}
        self._discovered = False
        self._frozen = False

    def add(self, name: str, target: str, *, by: str = "homeostat") -> None:
        """Let `name` stand for `target`, without importing it. The same offer twice is one offer.

        Raises:
            TakenName: the name stands for something else already.
            BrokenPlugin: the target is not of the form `module:attribute`, or the registry is frozen.
        """
        offer = Offer(target=target, by=by)
        if self._offers.get(name) == offer:
            return
        if self._frozen:
            raise BrokenPlugin(f"{self.kind} '{name}' of {by} came after the names were closed", where=self.group)
        if name in self._offers:
            self._refuse(name, self._offers[name], offer)
        module, colon, attribute = target.partition(":")
        if not (module and colon and attribute):
            raise BrokenPlugin(f"{self.kind} '{name}' of {by} is not module:attribute: {target}", where=self.group)
        self._offers[name] = offer

    def names(self) -> tuple[str, ...]:
        """Every name, sorted; nothing is imported for it."""
        self._discover()
        return tuple(sorted(self._offers))

    def brought(self) -> tuple[str, ...]:
        """The names that installed packages have added, sorted; nothing is imported for it."""
        self._discover()
        return tuple(sorted(name for name, offer in self._offers.items() if offer.by != "homeostat"))

    def get(self, name: str) -> T:
        """What the name stands for, imported now if it was not before.

        Raises:
            UnknownPlugin: nobody provides the name.
            BrokenPlugin: its module cannot be imported, or lacks the attribute.
            MissingExtra: it needs an optional package that is not installed.
        """
        self._discover()
        if name not in self._offers:
            raise UnknownPlugin(f"unknown {self.kind} '{name}'", where=self.group, fix=did_you_mean(name, self._offers))
        if name not in self._loaded:
            self._loaded[name] = self._load(name, self._offers[name])
        return self._loaded[name]

    def freeze(self) -> None:
        """Close the names: what the process chooses from does not change any more."""
        self._discover()
        self._frozen = True

    def _discover(self) -> None:
        # On first use and not on construction: importing a module that declares a registry must do no work.
        if self._discovered:
            return
        for point in entry_points(group=self.group):
            self.add(point.name, point.value, by=point.dist.name if point.dist else "unknown")
        self._discovered = True

    def _load(self, name: str, offer: Offer) -> T:
        module, _, attribute = offer.target.partition(":")
        try:
            found: object = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except MissingExtra:
            raise
        except (ImportError, AttributeError) as broken:
            raise BrokenPlugin(
                f"{self.kind} '{name}' of {offer.by} cannot be loaded: {broken}", where=offer.target
            ) from broken
        return cast("T", found)

    def _refuse(self, name: str, first: Offer, second: Offer) -> None:
        raise TakenName(
            f"two {self.kind}s are called '{name}': {first.target} of {first.by} and {second.target} of {second.by}",
            where=self.group,
            fix=f"uninstall {second.by}, or rename one of them",
        )
