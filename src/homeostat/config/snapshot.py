"""The configuration in force as one canonical text, and the hash that is stamped on every row."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from homeostat.config.schema import Config

PLACES = ("folder", "store", "alerts")
"""Sections that say where things lie and who is told, not what is done: left out, so that a moved project keeps its
hash and no password of a database URL, and no address that is one, is ever written down."""


def snapshot(config: Config) -> tuple[str, str]:
    """SHA-256 (hex) and canonical JSON of the configuration, without the places where things lie.

    Equal settings give equal texts whatever the order or the spelling in the file.
    """
    settings = {name: value for name, value in asdict(config).items() if name not in PLACES}
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest(), text
