"""Write `wheels.toml` and the manifest's `wheels` anew from `requirements.txt`; needed only after a pin changes."""
from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from wheel_lock import (
    EDITIONS,
    HERE,
    LOCK,
    PLATFORMS,
    ROOT,
    WHEELS,
    Wheel,
    manifest_wheels,
    read_lock,
    sha256_of,
)


def download(platform: str, python: str, folder: Path) -> list[Path]:
    """The wheels of all requirements for one platform and Python, by pip."""
    folder.mkdir(parents=True)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--requirement", str(HERE / "requirements.txt"), "--dest", str(folder),
            "--implementation", "cp", "--python-version", python,
            *(part for tag in PLATFORMS[platform] for part in ("--platform", tag)),
        ],
        check=True,
    )
    return sorted(folder.glob("*.whl"))


def locked(found: dict[str, tuple[Path, set[str]]]) -> list[Wheel]:
    """Rows of the lock from file name → (file, the platforms that it serves)."""
    rows = []
    for file, (path, served) in sorted(found.items()):
        name, version, tag = file.split("-")[:3]
        own_python = re.fullmatch(r"cp3(\d+)", tag) if "-abi3-" not in file else None
        python = f"3.{own_python[1]}" if own_python else ""
        platforms = tuple(platform for platform in PLATFORMS if platform in served)
        rows.append(Wheel(name, version, file, sha256_of(path), platforms, python))
    return rows


def write_lock(rows: list[Wheel]) -> None:
    """`wheels.toml`, and the manifest's list of what is shipped."""
    text = "# Written by lock_wheels.py from requirements.txt; not edited by hand.\n"
    for row in rows:
        platforms = ", ".join(f'"{platform}"' for platform in row.platforms)
        text += (
            f'\n[[wheel]]\nname = "{row.name}"\nversion = "{row.version}"\nfile = "{row.file}"\n'
            f'sha256 = "{row.sha256}"\nplatforms = [{platforms}]\npython = "{row.python}"\n'
        )
    LOCK.write_text(text)
    manifest = ROOT / "blender_manifest.toml"
    shipped = manifest_wheels([row for row in rows if row.is_in_manifest])
    manifest.write_text(re.sub(r"^wheels = \[.*?\]", lambda _: shipped, manifest.read_text(), flags=re.M | re.S))


def main() -> None:
    """Download everything once, lock it, keep the files for the build."""
    found: dict[str, tuple[Path, set[str]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for edition in EDITIONS.values():
            for python in edition.pythons:
                for path in download(edition.platform, python, Path(folder) / edition.platform / python):
                    found.setdefault(path.name, (path, set()))[1].add(edition.platform)
        write_lock(locked(found))
        WHEELS.mkdir(exist_ok=True)
        for path, _ in found.values():
            path.replace(WHEELS / path.name)
    print(f"Locked {len(read_lock())} wheels.")


if __name__ == "__main__":
    main()
