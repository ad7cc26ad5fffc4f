"""What is asked of a project."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.scenes import request
from homeostat.cli import parts
from homeostat.cli.check import Level
from homeostat.config.load import load
from homeostat.config.schema import Config, Gateway, Model
from homeostat.errors import MissingVariable, ModelNotFound, PortInUse, UnknownKey, WrongType
from homeostat.gateway.server import served
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.version import Version
from keywords import KeywordBackend, add_version, configured
from keywords import release as released


def test_a_configuration_that_loads(shop: Path) -> None:
    """Its project and its tasks are named."""
    config, check = parts.configuration(shop)
    assert config.project == "shop"
    assert check.level is Level.OK
    assert "routing" in check.found


def test_no_configuration_yet_is_a_warning(tmp_path: Path) -> None:
    """The defaults are looked at, and how to begin a project is said."""
    config, check = parts.configuration(tmp_path)
    assert config == Config()
    assert (check.level, check.fix) == (Level.WARN, "`homeostat init` writes one")


def test_a_configuration_without_tasks_is_a_warning(shop: Path) -> None:
    """It loads, but nothing can be asked of it."""
    shop.write_text("project: shop\n")
    assert parts.configuration(shop)[1].level is Level.WARN


def test_a_broken_configuration_is_an_error(shop: Path) -> None:
    """What is wrong in the file is left to the error that says it."""
    shop.write_text("projet: shop\n")
    with pytest.raises(UnknownKey):
        parts.configuration(shop)


def test_channels_for_alerts(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is named with its kind and its host; without one, it is said where alerts are."""
    assert "no channel" in parts.alerts(load(shop)).found
    shop.write_text(shop.read_text() + "alerts: {channels: {ops: {kind: slack, url_from: OPS_URL}}}\n")
    with pytest.raises(MissingVariable, match="OPS_URL"):
        parts.alerts(load(shop))
    monkeypatch.setenv("OPS_URL", "https://hooks.example.com/services/T0FFEE")
    check = parts.alerts(load(shop))
    assert check.level is Level.OK
    assert check.found == "ops (slack, https://hooks.example.com/…)"


def test_a_channel_without_an_address_is_no_configuration(shop: Path) -> None:
    """Said with the configuration, for it needs no environment to be seen."""
    shop.write_text(shop.read_text() + "alerts: {channels: {ops: {kind: slack}}}\n")
    with pytest.raises(WrongType, match="neither url nor url_from"):
        parts.configuration(shop)


def test_a_store_that_is_not_there_yet_is_not_made(shop: Path) -> None:
    """A doctor changes nothing."""
    check = parts.store(load(shop))
    assert check.level is Level.OK
    assert "not there yet" in check.found
    assert not (shop.parent / ".homeostat").exists()


def test_a_store_says_what_it_holds(shop: Path, store: Store) -> None:
    """It opens, and its requests are counted by task."""
    request(store, 1, "")
    assert "routing 1" in parts.store(load(shop)).found


def test_a_model_that_is_there(base: Path) -> None:
    """Its family and size, and how long it took to load."""
    found = parts.model(Config(model=Model(base=str(base)))).found
    assert "decoder" in found
    assert "0.3 M parameters" in found


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    """The error of whoever opens models, with its fix."""
    with pytest.raises(ModelNotFound):
        parts.model(Config(model=Model(base=str(tmp_path / "nothing"))))


def test_a_port_that_a_gateway_has(store: Store, tmp_path: Path) -> None:
    """A gateway that runs already is no failure; one that says it is failing is a warning."""
    released(store, Stage.FULL, add_version(store, tmp_path, refund="money back"))
    answerer = Answerer(KeywordBackend(), store, configured())
    with served(answerer, answerer.gateway) as address:
        config = Config(gateway=Gateway(port=int(address.rpartition(":")[2])))
        well = parts.port(config)
        nowhere = Version(id="ver_nowhere", task="routing", time=0.0, base="keywords", blob="0" * 64)
        store.versions.put(nowhere)
        released(store, Stage.FULL, nowhere)
        answerer.routes.refresh()
        ill = parts.port(config)
    answerer.close()
    assert (well.level, well.found[-9:]) == (Level.OK, "status ok")
    assert (ill.level, ill.found[-14:]) == (Level.WARN, "status failing")
    assert ill.fix.startswith(f"{address}/healthz")


def test_a_free_port_and_any_port() -> None:
    """A port that nobody has is free, and stays so; 0 is any."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = Config(gateway=Gateway(port=port))
    assert parts.port(config).found == f"127.0.0.1:{port} is free"
    assert parts.port(config).found == f"127.0.0.1:{port} is free"
    assert parts.port(replace(config, gateway=Gateway(port=0))).found == "any free one"


def test_a_port_that_somebody_else_has(tmp_path: Path) -> None:
    """Another program on the port, even another web server, is a failure."""
    serve_files = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve_files) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with pytest.raises(PortInUse):
            parts.port(Config(gateway=Gateway(port=server.server_address[1])))
        server.shutdown()
