"""Real certificates, made with OpenSSL's command."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Pair(NamedTuple):
    """A certificate and its key."""

    cert: Path
    key: Path


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL)


def make_pair(folder: Path, name: str, *, days: int = 30) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    request, subject = folder / f"{name}.csr", f"/CN={name}"
    openssl(
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        pair.key,
        "-out",
        request,
        "-subj",
        subject,
    )
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1")
    openssl(
        "x509", "-req", "-in", request, "-signkey", pair.key, "-days", str(days), "-extfile", folder / "san", "-out",
        pair.cert,
    )  # fmt: skip
    pair.key.chmod(0o600)
    return pair
