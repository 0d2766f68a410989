"""Try the zip as users do, in each Blender given: install, use, upgrade, use, disable, enable, remove.

    python packaging/check_zip.py                                      the Blender (bpy module) of this Python
    python packaging/check_zip.py --blender /opt/blender/blender --blender /path/to/venv/bin/python
    python packaging/check_zip.py --zip out/semblance-0.1.0-linux_x64.zip --older semblance-0.0.9-linux_x64.zip

Each Blender gets throw-away settings, an empty folder to run in, and no network where the system can cut it. What runs
is the installed copy: it checks that nothing of the checkout is on the module path. A Blender before 4.5 has to refuse
the zip and say why.
"""
from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import Any, Final

from blender_process import SCRIPT, ask
from build_zip import build
from wheel_lock import EDITIONS, PYTHONS, ROOT, Edition

OLDER: Final = "0.0.1"
"""The version of the zip that is upgraded, where no older one is given."""
OLDEST: Final = (4, 5)


def main() -> None:
    """Try each; the first that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", action="append", help="a program with arguments, or a Python")
    parser.add_argument("--zip", type=Path, help="the zip to try; without it, it is built of this checkout")
    parser.add_argument("--older", type=Path, help="the zip to upgrade from; without it a copy that says it is older")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="semblance-zip-") as folder:
        for number, blender in enumerate(args.blender or [sys.executable]):
            work = Path(folder, str(number))
            work.mkdir()
            print(told(check(shlex.split(blender), work, args.zip, args.older)), flush=True)


def check(blender: list[str], work: Path, newer: Path | None = None, older: Path | None = None) -> dict[str, Any]:
    """Everything in one Blender, in the empty folder `work`; returns what it said in the end.

    Raises:
        SystemExit: if it fails; the sentence says what.
    """
    if "python" in Path(blender[-1]).name:
        blender = [*blender[:-1], str(bare_python(Path(blender[-1]), work / "python"))]
    blender = [*without_network(), *blender]
    script = Path(shutil.copy2(SCRIPT, work))
    told_user = {"BLENDER_USER_RESOURCES": str(work / "user"), "XDG_CONFIG_HOME": str(work / "config")}
    ours = ("PYTHONPATH", "BLENDER_USER_EXTENSIONS")
    environment = {k: v for k, v in os.environ.items() if k not in ours and not k.startswith("SEMBLANCE")} | told_user

    def step(name: str, **arguments: str) -> dict[str, Any]:
        return ask(blender, name, script=script, folder=work, environment=environment, **arguments)

    facts = step("facts")
    newer = newer or build(edition_for(facts["platform"], facts["python"]), work)
    # The current folder is what a Blender in a box sees.
    newer, older = (Path(shutil.copy2(path, work / f"{name}.zip")) for name, path in
                    (("newer", newer), ("older", older or called_older(newer, work / "copy.zip"))))
    if tuple(int(part) for part in facts["blender"].split(".")[:2]) < OLDEST:
        return {**facts, **expect_refused(step("refused", zip=str(newer)))}
    installed = step("install", zip=str(older), checkout=str(ROOT))
    upgraded = step("upgrade", zip=str(newer), checkout=str(ROOT))
    removed = step("remove", checkout=str(ROOT))
    expect_all(installed, upgraded, removed)
    left = [path for path in (work / "user").rglob("*") if path.suffix in (".so", ".pyd", ".onnx", ".whl")]
    expect(not left, "files of the extension stayed", left[:3])
    return {**facts, **upgraded, "user_files_left": removed["user_files_left"]}


def expect_all(installed: dict[str, Any], upgraded: dict[str, Any], removed: dict[str, Any]) -> None:
    """What the three runs found is what a user expects; raises SystemExit with what is not."""
    expect_use(installed)
    expect_use(upgraded)
    versions = [found["version"] for found in (installed, upgraded["before"], upgraded, removed)]
    expect(versions[0] == versions[1] != versions[2] == versions[3], "the versions are", versions)
    expect(all(installed["kept"].values()), "settings could not be made", installed["kept"])
    for later in (upgraded["before"], upgraded, removed):
        expect(later["kept"] == installed["kept"], "settings were lost", later["kept"])
    expect(removed["disabled"] == [] == removed["removed"], "something stayed registered", removed)
    expect(removed["enabled"] and not removed["is_listed"] and not removed["folder_is_left"], "not removed", removed)


def expect_refused(said: dict[str, Any]) -> dict[str, Any]:
    """An older Blender named the one that is needed, and has enabled nothing."""
    told_why = "minimum supported version (4.5.0)" in said["sentence"]
    expect(told_why and not said["is_enabled"], "an old Blender does not refuse it:", said)
    return said


def expect_use(said: dict[str, Any]) -> None:
    """Pip was keyed by the installed copy and the wheels that came with it."""
    moves = said["curves"] >= 20 and said["keys"] >= 20 * said["curves"] and said["motion"] > 0.01
    expect(moves, "there is no performance in", said)
    for name, place in said["wheels"].items():
        expect(".local" in Path(place).parts, f"'{name}' is not the extension's wheel", place)


def expect(holds: object, wrong: str, found: object = "") -> None:
    """Raises SystemExit with the sentence if `holds` is false."""
    if not holds:
        raise SystemExit(f"The zip fails: {wrong} {found}".rstrip())


def called_older(newer: Path, path: Path) -> Path:
    """A copy of a zip whose manifest says that it is older."""
    with zipfile.ZipFile(newer) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "blender_manifest.toml":
                data = re.sub(rb'^version = ".*"', f'version = "{OLDER}"'.encode(), data, flags=re.M)
            target.writestr(entry.filename, data)
    return path


def edition_for(platform: str, python: str) -> Edition:
    """The zip for that Blender.

    Raises:
        SystemExit: if there is none.
    """
    for edition in EDITIONS.values():
        if edition.platform == platform and python in edition.pythons:
            return edition
    raise SystemExit(f"There is no zip for Python {python} on {platform} (Blender's own builds have {PYTHONS}).")


def bare_python(python: Path, folder: Path) -> Path:
    """A Python that has only what its bpy module declares, as Blender has: no checkout, no onnxruntime or OpenCV."""
    if python.absolute() != Path(sys.executable).absolute():
        return python  # one that was made for this; `only_the_installed_copy` looks at it
    venv.create(folder, symlinks=os.name != "nt")
    site = next(folder.rglob("site-packages"))
    wanted, seen = ["bpy"], set()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue        # it is for other Pythons
        for top in {Path(file).parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))))
        for line in distribution.requires or ():
            needed = re.match(r"[\w.-]+", line)[0]
            if "extra ==" not in line and needed not in seen:
                wanted.append(needed)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def without_network() -> list[str]:
    """The command that cuts the network off a child; nothing where the system has none."""
    for words in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        if shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            return words
    return []


def told(found: dict[str, Any]) -> str:
    """A line about one Blender."""
    if "sentence" in found:
        return f"Blender {found['blender']}: refused, as it should be: {found['sentence'].splitlines()[0]}"
    return (
        f"Blender {found['blender']} (Python {found['python']}, {found['platform']}): installed, used, "
        f"upgraded to {found['version']} with all settings, used ({found['curves']} curves, {found['keys']} keys), "
        f"disabled, enabled, removed ({len(found['user_files_left'])} of the user's files left)"
    )


if __name__ == "__main__":
    main()
