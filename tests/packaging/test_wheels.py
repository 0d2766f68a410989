"""One table of wheels, and the manifest and the notice say the same."""
from __future__ import annotations

import ast
import email
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# How the wheels' own words for a licence are said in SPDX, as NOTICE.md does.
SPDX = {"MIT License": "MIT", "Apache 2.0": "Apache-2.0", "BSD": "BSD-3-Clause"}


def manifest() -> dict:
    return tomllib.loads((ROOT / "blender_manifest.toml").read_text())


def pins() -> dict[str, str]:
    return dict(re.findall(r"^([a-z-]+)==(\S+)$", (ROOT / "packaging" / "requirements.txt").read_text(), re.M))


def wheels_here() -> list[Path]:
    """The locked wheels that are in wheels/: this computer's in continuous integration, all where a release is made."""
    from wheel_lock import WHEELS, read_lock

    here = [WHEELS / wheel.file for wheel in read_lock() if (WHEELS / wheel.file).is_file()]
    if not here:
        pytest.skip("there are no wheels in wheels/ (packaging/fetch_wheels.py gets them)")
    return here


def test_the_manifest_lists_the_wheels_of_the_lock_for_blenders_own_builds():
    from wheel_lock import read_lock

    assert manifest()["wheels"] == [f"./wheels/{wheel.file}" for wheel in read_lock() if wheel.is_in_manifest]


def test_each_zip_carries_each_requirement_once_for_each_of_its_pythons_and_nothing_else():
    from wheel_lock import EDITIONS, read_lock, wheels_of

    for name, edition in EDITIONS.items():
        carried = wheels_of(edition)
        for python in edition.pythons:
            there = [(w.name.replace("_", "-"), w.version) for w in carried if w.runs_on(edition.platform, python)]
            assert sorted(there) == sorted(pins().items()), (name, python)
        needed = {w.file for python in edition.pythons for w in carried if w.runs_on(edition.platform, python)}
        assert {wheel.file for wheel in carried} == needed, name
    assert {wheel for edition in EDITIONS.values() for wheel in wheels_of(edition)} == set(read_lock())
    with pytest.raises(SystemExit, match="There is no zip for 'amiga'; choose from all, linux-x64"):
        from wheel_lock import editions_named
        editions_named(["amiga"])


def test_nothing_that_blender_ships_and_nothing_heavy_is_bundled():
    from wheel_lock import read_lock

    assert not {wheel.name for wheel in read_lock()} & {"numpy", "requests", "certifi", "torch", "mediapipe"}


def test_every_wheel_has_its_licence_in_the_notice():
    from wheel_lock import read_lock

    rows = dict(re.findall(r"^\| ([a-z_]+) \| ([\w.-]+) \| ", (ROOT / "NOTICE.md").read_text(), re.M))
    assert rows.pop("wheel") == "licence"
    assert set(rows) == {wheel.name for wheel in read_lock()}
    for path in wheels_here():
        with zipfile.ZipFile(path) as wheel:
            (metadata,) = (name for name in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            said = email.message_from_bytes(wheel.read(metadata))
        licence = said["License-Expression"] or SPDX[said["License"]]
        assert rows[path.name.split("-")[0]] == licence, path.name


def test_onnxruntime_runs_without_what_it_declares():
    """What `import onnxruntime` imports, in each platform's wheel: numpy is all that Blender has to bring."""
    for path in wheels_here():
        if path.name.startswith("onnxruntime-"):
            with zipfile.ZipFile(path) as wheel:
                foreign = imports(wheel, "onnxruntime/__init__.py")
            assert foreign - set(sys.stdlib_module_names) == {"numpy"}, path.name


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """All that is done when a module is imported: nothing inside its functions."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from at_import(child)


def imports(wheel: zipfile.ZipFile, start: str) -> set[str]:
    """The top names of all modules that are imported while the file `start` is, outside the package."""
    names, todo, seen, foreign = set(wheel.namelist()), [start], set(), set()
    while todo:
        file = todo.pop()
        seen.add(file)
        for node in at_import(ast.parse(wheel.read(file))):
            wanted = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                base = ".".join(Path(file).parts[:-node.level]) if node.level else ""
                module = ".".join(filter(None, (base, node.module)))
                wanted = [module, *(f"{module}.{alias.name}" for alias in node.names)]
            for name in wanted:
                if not name.startswith("onnxruntime"):
                    foreign.add(name.split(".")[0])
                found = {name.replace(".", "/") + end for end in (".py", "/__init__.py")} & names
                todo += found - seen
    return foreign


def test_the_manifest_agrees_with_the_package_and_blenders_rules():
    import addon

    facts = manifest()
    assert facts["version"] == addon.__version__
    assert tuple(map(int, facts["blender_version_min"].split("."))) == (4, 5, 0)
    assert facts["license"] == ["SPDX:GPL-3.0-or-later"]
    for sentence in (facts["tagline"], *facts["permissions"].values()):
        assert len(sentence) <= 64 and sentence[-1].isalnum()


def test_the_versions_are_those_of_the_development_set_up():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for name in ("opencv-python-headless", "onnxruntime"):
        assert f"{name}=={pins()[name]}" in project
    import onnxruntime

    assert onnxruntime.__version__ == pins()["onnxruntime"]
