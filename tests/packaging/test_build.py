"""The zip is what a user needs and no more, and works when it is installed; so does the link to a checkout."""
from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(zip_here: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(zip_here)


def test_the_zip_holds_every_file_that_is_shipped_as_it_is_and_no_other(built):
    from staging import SHIPPED, source_of
    from wheel_lock import read_lock, sha256_of

    # New files that are not committed yet are part of what is built; what git ignores is not.
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *SHIPPED], cwd=ROOT,
                            capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout of git, which knows what belongs to it")
    hashes = {name: sha256_of(source_of(name)) for name in listed.stdout.splitlines() if source_of(name).is_file()}
    manifest = tomllib.loads(built.read("blender_manifest.toml").decode())
    locked = {f"wheels/{wheel.file}": wheel.sha256 for wheel in read_lock()}
    wheels = {name.removeprefix("./") for name in manifest["wheels"]}
    there = {name for name in built.namelist() if not name.endswith("/")}
    assert len(wheels) == 4 and len(manifest["platforms"]) == 1
    assert there == {"blender_manifest.toml"} | wheels | set(hashes)
    for name in there - {"blender_manifest.toml"}:
        assert hashlib.sha256(built.read(name)).hexdigest() == (hashes | locked)[name], name


def test_what_is_shipped_is_named_and_nothing_of_the_workshop_is_among_it():
    from staging import SHIPPED

    assert set(SHIPPED) == {
        "__init__.py", "render_batch.py", "LICENSE", "NOTICE.md", "README.md", "addon", "assets", "models", "rigs",
    }


@pytest.mark.parametrize("name", ["linux-x64", "windows-x64", "macos-arm64", "linux-x64-python3.14"])
def test_every_zip_is_small_enough(built, name):
    from build_zip import MOST_MB
    from wheel_lock import EDITIONS, WHEELS, wheels_of

    wheels = [WHEELS / wheel.file for wheel in wheels_of(EDITIONS[name])]
    if not all(wheel.is_file() for wheel in wheels):
        pytest.skip(f"not all wheels of {name} are in wheels/ (packaging/fetch_wheels.py {name} gets them)")
    own = sum(entry.compress_size for entry in built.infolist() if not entry.filename.endswith(".whl"))
    assert (own + sum(wheel.stat().st_size for wheel in wheels)) / 1e6 < MOST_MB


def test_licences_are_inside_and_the_networks_are_those_of_their_cards(built):
    assert "GNU GENERAL PUBLIC LICENSE" in built.read("LICENSE").decode()
    notice = built.read("NOTICE.md").decode()
    cards = [name for name in built.namelist() if name.startswith("models/") and name.endswith("/card.toml")]
    assert len(cards) >= 4
    for name in cards:
        card, folder = tomllib.loads(built.read(name).decode()), name.removesuffix("card.toml")
        assert hashlib.sha256(built.read(folder + "model.onnx")).hexdigest() == card["sha256"], folder
        if card["licence"] == "GPL-3.0-or-later":
            assert f"`{folder.split('/')[1]}`" in notice, folder
        else:
            assert "Apache License" in built.read(folder + "LICENSE").decode(), folder
            assert "MediaPipe" in built.read(folder + "NOTICE").decode(), folder


def test_pages_in_the_zip_lead_to_nothing_outside_it(built):
    there = set(built.namelist())
    for page in (name for name in there if name.endswith(".md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", built.read(page).decode()):
            assert str(Path(page).parent / target) in there, f"{page} leads to {target}"
    first = built.read("README.md").decode()
    for name in re.findall(r"`([\w.]+\.(?:md|py))`|(?<!\w)(LICENSE)(?!\w)", first):
        assert set(name) & there, name


def test_the_zip_for_a_distributions_blender_names_its_python():
    from build_zip import zip_name
    from wheel_lock import EDITIONS

    names = {zip_name("0.1.0", edition) for edition in EDITIONS.values()}
    assert len(names) == len(EDITIONS) and "semblance-0.1.0-linux_x64-python3.14.zip" in names


def test_the_builders_refusal_is_told(tmp_path, monkeypatch):
    pytest.importorskip("bpy")
    import build_zip
    from wheel_lock import EDITIONS

    def broken(folder, *_):
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "blender_manifest.toml").write_text('schema_version = "1.0.0"\nid = "semblance"\n')
        return "0.1.0"

    monkeypatch.setattr(build_zip, "copy", broken)
    monkeypatch.setattr(build_zip, "fetch", lambda wheels: None)
    with pytest.raises(SystemExit, match="Blender's builder refused"):
        build_zip.build(EDITIONS["linux-x64"], tmp_path)


def test_installed_used_upgraded_with_settings_kept_and_removed(tmp_path, zip_here):
    from check_zip import check

    found = check([sys.executable], tmp_path, zip_here)
    assert found["python"] == "{}.{}".format(*sys.version_info[:2]) and found["keys"] > 1000


@pytest.mark.parametrize(("wheel", "oldest", "sentence"), [
    ("x-1.0-cp39-cp39-manylinux_2_28_x86_64.whl", "4.5.0", "python version"),
    ("", "99.0.0", "99.0"),
])
def test_a_blender_that_it_is_not_for_says_why(tmp_path, wheel, oldest, sentence):
    """Python without wheels here; a Blender that is too old. The sentences are Blender's own."""
    pytest.importorskip("bpy")
    from blender_process import ask

    manifest = (ROOT / "blender_manifest.toml").read_text().split("wheels = [")[0].replace("4.5.0", oldest)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as made:
        made.writestr("blender_manifest.toml", manifest + (f'wheels = ["./wheels/{wheel}"]' if wheel else ""))
        made.writestr("__init__.py", "def register():\n    raise RuntimeError('should not be enabled')\n")
        if wheel:
            made.writestr(f"wheels/{wheel}", b"")
    said = ask([sys.executable], "refused", folder=tmp_path, seconds=120, zip=str(tmp_path / "other.zip"),
               environment={"BLENDER_USER_RESOURCES": str(tmp_path / "user"), "HOME": str(tmp_path)})
    assert sentence in said["sentence"].lower() and not said["is_enabled"], said


def test_a_link_is_renewed_but_an_installed_copy_is_left_alone(tmp_path):
    from staging import copy, link

    folder = tmp_path / "semblance"
    for _ in range(2):
        link(folder, [], ["linux-x64"])
        assert (folder / "addon").resolve() == ROOT / "addon"
    copy(tmp_path / "installed", [], ["linux-x64"])
    with pytest.raises(SystemExit, match="remove it"):
        link(tmp_path / "installed", [], ["linux-x64"])
    assert not (tmp_path / "installed" / "addon").is_symlink()


def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path, monkeypatch):
    import fetch_wheels
    from wheel_lock import Wheel

    monkeypatch.setattr(fetch_wheels, "WHEELS", tmp_path)
    (tmp_path / "x-1.0-py3-none-any.whl").write_bytes(b"forged")
    monkeypatch.setattr(fetch_wheels, "_download", lambda wheel: None)
    with pytest.raises(SystemExit, match="is not the file"):
        fetch_wheels.fetch([Wheel("x", "1.0", "x-1.0-py3-none-any.whl", "0" * 64, ("linux-x64",), "")])


def test_dev_install_says_what_to_do_without_blender():
    ended = subprocess.run(
        [sys.executable, "packaging/dev_install.py", "--blender", "/nowhere/blender"], cwd=ROOT, capture_output=True,
        text=True,
    )
    assert ended.returncode == 1 and "BLENDER=/path/to/blender" in ended.stderr and "Traceback" not in ended.stderr


def test_dev_install_links_and_enables(tmp_path):
    pytest.importorskip("bpy")
    ended = subprocess.run(
        [sys.executable, "packaging/dev_install.py", "--blender", sys.executable], cwd=ROOT, capture_output=True,
        text=True, env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path)}, timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Semblance is linked into Blender" in ended.stdout
    assert (tmp_path / "extensions" / "user_default" / "semblance" / "addon").resolve() == ROOT / "addon"
    installed = list((tmp_path / "extensions" / ".local").rglob("onnxruntime/__init__.py"))
    assert len(installed) == 1, "Blender did not install the wheels"
