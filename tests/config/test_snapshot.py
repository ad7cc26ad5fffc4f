"""One text and one hash for one set of settings."""

import json
from pathlib import Path

from homeostat.config.load import load
from homeostat.config.schema import Alerts, Channel, Config, Gateway, Store
from homeostat.config.snapshot import snapshot


def test_spelling_does_not_matter(tmp_path: Path) -> None:
    """Order, comments and numbers spelled in another way give the same hash."""
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("train: {lr: 0.001, rank: 4}\nproject: p\n")
    second.write_text("# here\nproject: 'p'\ntrain:\n  rank: 4\n  lr: 1.0e-3\n")
    assert snapshot(load(first, environ={})) == snapshot(load(second, environ={}))


def test_every_setting_matters() -> None:
    """Another value gives another hash."""
    assert snapshot(Config())[0] != snapshot(Config(gateway=Gateway(batch=1)))[0]


def test_places_and_passwords_stay_out() -> None:
    """A moved project keeps its hash, and a database's password is never written down."""
    moved = Config(folder="/elsewhere", store=Store(url="postgresql+psycopg://u:secret@h/d"))
    assert snapshot(moved) == snapshot(Config())
    assert "secret" not in snapshot(moved)[1]


def test_text_is_json() -> None:
    """The text can be read back without Homeostat."""
    assert json.loads(snapshot(Config())[1])["monitor"]["false_alarm_every"] == 500_000


def test_who_is_told_changes_nothing_of_what_is_done() -> None:
    """Channels come and go without a new hash, and no address or name of a secret is ever written down."""
    told = Config(alerts=Alerts(channels={"ops": Channel(url="https://hooks.example.com/T0FFEE")}))
    assert snapshot(told) == snapshot(Config())
    assert "T0FFEE" not in snapshot(told)[1]
