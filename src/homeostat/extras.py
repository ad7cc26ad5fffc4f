"""The only way to ask for an optional package."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from homeostat.errors import MissingExtra


def require(package: str, reason: str, *, extra: str) -> ModuleType:
    """Import `package`, or say why it is wanted and how to install it.

    Raises:
        MissingExtra: the package is not installed.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as missing:
        raise MissingExtra(f"{package} is needed {reason}", fix=f"pip install 'homeostat[{extra}]'") from missing
