"""Sign a version with the project's own key, say who signed it, or trust somebody else's key.

With `release.signed: true` nothing is released or loaded that has no signature of a trusted key; what the project
trains is then signed as it is registered. The private key is `keys/signing.pem` in the project's folder, made when it
is first needed and readable to its owner alone. Without a version the trusted keys are listed.

Exit codes: 0 done, or the signature is good; 1x configuration; 39 it is not signed, or not by a trusted key; 41 there
is no such version.

Example: `homeostat sign ver_1v9x3k --check`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.places import content_of
from homeostat.cli.project import project
from homeostat.cli.table import document, facts, table
from homeostat.release.signing import Signing


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Sign nothing; say who signed it.")] = False,
    trust: Annotated[Path | None, typer.Option(exists=True, help="A public key to trust from now on.")] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Print the project's public key, for others to trust.")
    ] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Sign a version with the project's own key, say who signed it, or trust somebody else's key."""
    with project(config) as opened:
        signing = Signing.of(opened.config)
        if public:
            pem = signing.keys.public_pem(signing.keys.own()).decode()
            document({"public": pem}) if as_json else typer.echo(pem, nl=False)
            return
        if trust is not None:
            opened.store.audit.note("key trusted", signing.keys.trust(content_of(trust), trust), "")
        if not version:
            trusted = list(signing.keys.trusted())
            document({"trusted": trusted}) if as_json else table("trusted keys", ("key",), [(key,) for key in trusted])
            return
        known = opened.store.versions.get(version)
        if not check:
            signing.sign(opened.store, known)
        said = {"version": version, "signed by": signing.signed_by(opened.store, known)}
    document(said) if as_json else facts(version, said)
