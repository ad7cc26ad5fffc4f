"""What `doctor --security` asks: who gets in, who reads the files, what is loaded, what is known of the packages.

Nothing is changed, and nothing is told to anybody but the advisory source that `pip-audit` asks for package names.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import make_url

from homeostat.cli.check import Check, Level, attempted
from homeostat.config.schema import Config
from homeostat.gateway.auth import VARIABLE, is_local, keys_of
from homeostat.release.signing import Signing, kept
from homeostat.store import Store
from homeostat.types.version import State

ANSWERING = (State.LIVE, State.CANARY, State.SHADOW)
SECONDS = 120.0
"""Longest wait for the advisory source."""
_OTHERS = 0o007
_NAMED = 3


def examination(config: Config, path: Path) -> Iterator[Check]:
    """Every check of a project whose file lies at `path`."""
    yield attempted("door", partial(door, config))
    yield attempted("files", partial(files, config, path))
    yield attempted("weights", partial(weights, config))
    yield attempted("pickles", partial(pickles, config))
    yield attempted("signatures", partial(signatures, config))
    yield attempted("advisories", advisories)


def door(config: Config) -> Check:
    """Whether everybody who can reach the gateway needs a key. Raises where a key is none."""
    host, folder = config.gateway.host, Path(config.folder)
    given = bool(os.environ.get(VARIABLE, "").strip())
    if is_local(host) and not given:
        return Check(name="door", found=f"{host}: reached from this machine alone, by all of its users, without a key")
    if given or (folder / "keys" / "gateway").exists():
        keys, file = keys_of(host, folder)
        found = f"{host}: {len(keys)} keys, from {file or VARIABLE}"
    else:
        found = f"{host}: a key is made at the first start"
    if is_local(host):
        return Check(name="door", found=found)
    fix = "put TLS in front, and let the gateway listen on 127.0.0.1"
    return Check(name="door", level=Level.WARN, found=f"{found}; keys and requests travel as they are", fix=fix)


def files(config: Config, path: Path) -> Check:
    """Whether others on this machine can read what users wrote, or a password."""
    folder, seen = Path(config.folder), []
    if folder.is_dir() and folder.stat().st_mode & _OTHERS:
        seen.append(f"chmod o= {folder}")
    if path.is_file() and path.stat().st_mode & _OTHERS and config.store.url and make_url(config.store.url).password:
        seen.append(f"chmod o= {path}")
    if not seen:
        return Check(name="files", found="nobody but owner and group reads what users wrote, or a password")
    found = "everybody on this machine can read what users wrote, or a password"
    return Check(name="files", level=Level.WARN, found=found, fix="; ".join(seen))


def weights(config: Config) -> Check:
    """Whether anything beside the base model's weights could run code."""
    folder = Path(config.model.weights)
    if not folder.is_dir():
        return Check(name="weights", found=f"{config.model.weights}: only safetensors are ever loaded")
    importlib.import_module("homeostat.llm.weights").check(folder)
    return Check(name="weights", found=f"{folder}: safetensors, and nothing that could run code")


def pickles(config: Config) -> Check:
    """Whether anything in the project's folder, or among its blobs, could run code if somebody loaded it."""
    below = importlib.import_module("homeostat.llm.weights").pickles
    folders = [folder for folder in (Path(config.folder), Path(config.blobs)) if folder.is_dir()]
    seen = sorted({str(path) for folder in folders for path in below(folder)})
    if not seen:
        return Check(name="pickles", found="none in the project's folder")
    fix = "nothing here loads them: find out who put them there, and remove them"
    return Check(name="pickles", level=Level.WARN, found=f"files that can run code: {_some(seen)}", fix=fix)


def signatures(config: Config) -> Check:
    """Whether every version that answers somebody is signed by a key that the project trusts."""
    if config.database.startswith("sqlite") and not Path(config.database.removeprefix("sqlite:///")).exists():
        return Check(name="signatures", found="no version yet")
    signing = Signing.of(config)
    with Store.open(config.database, config.blobs) as store:
        answering = [version for version in store.versions.list() if version.state in ANSWERING]
        unsigned = [version.id for version in answering if kept(store, version.id) is None]
        for version in answering:
            if version.id not in unsigned:
                signing.signed_by(store, version)
    if not unsigned:
        return Check(name="signatures", found=f"all {len(answering)} versions that answer are signed")
    fix = "`homeostat sign VERSION`, and `release.signed: true` to let no other in"
    return Check(name="signatures", level=Level.WARN, found=f"not signed: {_some(unsigned)}", fix=fix)


def advisories(run: Callable[[], str] | None = None) -> Check:
    """Whether anything is known against the installed packages; `run` prints what pip-audit does."""
    if run is None and importlib.util.find_spec("pip_audit") is None:
        fix = "pip install 'homeostat[audit]'"
        return Check(name="advisories", level=Level.WARN, found="not asked: pip-audit is not installed", fix=fix)
    try:
        told = json.loads((run or _audit)())["dependencies"]
    except (ValueError, KeyError, OSError, subprocess.SubprocessError):
        fix = "ask again where an advisory source can be reached"
        return Check(name="advisories", level=Level.WARN, found="no advisory source was reached", fix=fix)
    bad = [f"{one['name']} {one['version']} ({v['id']})" for one in told for v in one.get("vulns", ())]
    asked = sum("skip_reason" not in one for one in told)
    if bad:
        fix = "upgrade: pip-audit names the versions that are mended"
        return Check(name="advisories", level=Level.FAIL, found=f"known vulnerabilities: {_some(bad)}", fix=fix)
    if asked < len(told) / 2:
        found = f"nothing known of {asked} packages; the source does not know the other {len(told) - asked}"
        return Check(name="advisories", level=Level.WARN, found=found, fix="ask the public source")
    return Check(name="advisories", found=f"nothing known against {asked} packages")


def _audit() -> str:
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "5"]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False).stdout


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
