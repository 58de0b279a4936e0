"""A certificate authority of a test's own, made with OpenSSL."""

import subprocess
from pathlib import Path
from typing import NamedTuple

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Certificates(NamedTuple):
    """PEM files: the authority to trust, and a server's key with its certificates."""

    authority: Path
    server: Path


def make_certificates(folder: Path, host: str) -> Certificates:
    """An authority, and a server at an IP address that it vouches for."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, authority_key = folder / "ca.pem", folder / "ca.key"
    certificate, key = folder / "server.crt", folder / "server.key"
    _openssl("-keyout", authority_key, "-out", authority, "-subj", f"/CN=authority of {folder.name}")
    _openssl(
        "-keyout", key, "-out", certificate, "-subj", f"/CN={host}",
        "-CA", authority, "-CAkey", authority_key, "-addext", f"subjectAltName=IP:{host}",
        "-addext", "basicConstraints=critical,CA:FALSE",
    )  # fmt: skip
    server = folder / "server.pem"
    server.write_text(key.read_text() + certificate.read_text() + authority.read_text())
    return Certificates(authority, server)


def _openssl(*options: str | Path) -> None:
    subprocess.run(["openssl", "req", "-x509", *_KEY, *options], check=True, capture_output=True)
