"""Fetch the locked wheels into `wheels/`, checked by hash: `python packaging/fetch_wheels.py [all | NAME ...]`.

The names are those of `make zip PLATFORM=...`; without one, what this computer's zip carries.
"""
from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from wheel_lock import WHEELS, Wheel, editions_named, sha256_of, wheels_of


def fetch(wheels: Iterable[Wheel]) -> list[Path]:
    """The files of `wheels`, by pip unless they are here already.

    Raises:
        SystemExit: if pip cannot get one, or gets another file than the locked one.
    """
    WHEELS.mkdir(exist_ok=True)
    paths = []
    for wheel in wheels:
        path = WHEELS / wheel.file
        if not path.is_file() or sha256_of(path) != wheel.sha256:
            print(f"Fetching {wheel.file} ...", flush=True)
            _download(wheel)
        if not path.is_file() or sha256_of(path) != wheel.sha256:
            raise SystemExit(f"{wheel.file} is not the file that packaging/wheels.toml names; look at pip's index.")
        paths.append(path)
    return paths


def _download(wheel: Wheel) -> None:
    """One wheel, chosen by the tags in its own file name; pip refuses a file with another hash."""
    python, abi, platforms = wheel.file.removesuffix(".whl").split("-")[-3:]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        requirement.flush()
        ended = subprocess.run([
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--require-hashes", "--requirement", requirement.name, "--dest", str(WHEELS),
            "--implementation", "py" if python.startswith("py") else "cp", "--abi", abi,
            "--python-version", wheel.python or "3.11",
            *(part for platform in platforms.split(".") for part in ("--platform", platform)),
        ])
    if ended.returncode:
        raise SystemExit(f"pip could not fetch {wheel.file}; is its index reachable?")


if __name__ == "__main__":
    for edition in editions_named(sys.argv[1:]).values():
        fetch(wheels_of(edition))
