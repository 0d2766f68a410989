"""Say in plain words what is here, what is missing and what to do about it.

Exit code 0 means that everything Semblance needs is here; notes (no camera, no Blender on the PATH) do not change it.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..core.errors import MissingWheel, SemblanceError, require
from ..core.finding import Finding
from ..core.model_card import NEEDED, load_network
from ..core.paths import MODELS, RIGS
from .system_libraries import LIBRARIES, apt_line, missing_libraries

_WHEELS: Final = (("numpy", "everything"), ("onnxruntime", "the networks"), ("cv2", "reading videos and cameras"))
_LEAST_FREE_GB: Final = 1.0
_OLDEST_BLENDER: Final = (4, 5)
_SETUP: Final = "Run 'make demo' once in the checkout; it sets up .venv with everything."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`semblance doctor` takes nothing."""


def run(args: argparse.Namespace) -> int:
    """Look at everything and print it; 1 if something that is needed is missing."""
    problems = 0
    for check in (python, wheels, system_libraries, video, models, characters, blender_module, blender, cameras, disk):
        for finding in check():
            problems += finding.state == "PROBLEM"
            print(finding, flush=True)
    print()
    if problems:
        print(f"{problems} {'thing needs' if problems == 1 else 'things need'} your attention; see the arrows above.")
        return 1
    print("Everything that Semblance needs is here.")
    return 0


def python() -> Iterator[Finding]:
    """The interpreter that runs this."""
    text = f"Python {platform.python_version()}"
    if (3, 11) <= sys.version_info[:2] < (3, 14):
        yield Finding("ok", text)
    else:
        yield Finding("PROBLEM", f"{text} is not one that Semblance runs on.", "Use Python 3.11 or 3.13.")


def wheels() -> Iterator[Finding]:
    """The run-time wheels."""
    for name, purpose in _WHEELS:
        try:
            module = require(name, purpose)
        except MissingWheel as error:
            reason = error.__cause__
            yield Finding("PROBLEM", f"The Python module '{name}' for {purpose} cannot be loaded ({reason}).", _SETUP)
        else:
            yield Finding("ok", f"{name} {module.__version__} for {purpose}")


def system_libraries() -> Iterator[Finding]:
    """Shared libraries that Blender and OpenGL load."""
    missing = missing_libraries()
    for library in missing:
        yield Finding("PROBLEM", f"The system library {library} for {LIBRARIES[library][1]} is missing.")
    if missing:
        yield Finding("PROBLEM", "Blender cannot start or render here.", apt_line(list(missing.values())))
    elif sys.platform.startswith("linux"):
        yield Finding("ok", f"{len(LIBRARIES)} system libraries for Blender, GL, EGL and X11")


def video() -> Iterator[Finding]:
    """Whether OpenCV writes a small film and reads it back, which needs its FFmpeg."""
    try:
        cv2, numpy = require("cv2", "Reading videos"), require("numpy", "Reading videos")
    except SemblanceError:
        return  # told under the wheels
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "film.mp4"))
        writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*"mp4v"), 25, (64, 64))
        for level in (0, 128, 255):
            writer.write(numpy.full((64, 64, 3), level, numpy.uint8))
        writer.release()
        film = cv2.VideoCapture(path)
        frames = sum(film.read()[0] for _ in range(3))
        film.release()
    if frames == 3:
        yield Finding("ok", "OpenCV reads and writes video")
    else:
        yield Finding("PROBLEM", "OpenCV cannot read video files.", "Install opencv-python-headless again.")


def models() -> Iterator[Finding]:
    """Each network: there, and the one that its card describes."""
    for name, purpose in NEEDED.items():
        if not (MODELS / name).is_dir():
            yield Finding("PROBLEM", f"The network '{name}' for {purpose} is missing.", "Install Semblance again.")
    for folder in sorted(card.parent for card in MODELS.glob("*/card.toml")):
        try:
            network, card = load_network(folder)
        except SemblanceError as error:
            yield Finding("PROBLEM", str(error))
        else:
            purpose = f" for {NEEDED[card.name]}" if card.name in NEEDED else ""
            yield Finding("ok", f"network {card.stamp}{purpose}, {len(network) / 1e6:.1f} MB, sha256 as its card says")


def characters() -> Iterator[Finding]:
    """Each shipped character: its profile, its file, and its decoder."""
    try:
        from ..characters.decoder import load_decoder
        from ..core.rig_profile import read_profile
    except ImportError:
        return  # numpy; told under the wheels
    for path in sorted(RIGS.glob("*/profile.toml")):
        try:
            profile = read_profile(path)
            with contextlib.suppress(MissingWheel):  # told under the wheels
                load_decoder(profile)
        except SemblanceError as error:
            yield Finding("PROBLEM", str(error))
            continue
        text = f"character {profile.name}, {len(profile.control_set)} controls"
        if profile.blend is None or profile.blend.is_file():
            yield Finding("ok", text)
        else:
            advice = f"Build it: python rigs/{path.parent.name}/build.py"
            yield Finding("PROBLEM", f"{text}, but its file '{profile.blend.name}' is missing.", advice)


def blender_module() -> Iterator[Finding]:
    """Blender as the Python module bpy, tried in a process of its own because it may crash without its libraries."""
    version, reason = _ask([sys.executable, "-c", "import bpy; print('Blender', bpy.app.version_string)"])
    if version:
        yield Finding("ok", f"{version} as the Python module bpy")
    elif "No module named 'bpy'" in reason:
        advice = "Only 'apply', 'batch' and 'demo' without a Blender program need it: pip install -e '.[blender]'"
        yield Finding("note", "Blender's Python module bpy is not installed.", advice)
    else:
        yield Finding("PROBLEM", f"Blender's Python module bpy does not start: {reason}.")


def blender() -> Iterator[Finding]:
    """A Blender program on the PATH."""
    program = shutil.which("blender")
    if not program:
        yield Finding("note", "No 'blender' on the PATH; batch work can use the bpy module instead.")
        return
    version, reason = _ask([program, "--version"])
    numbers = tuple(int(part) for part in version.split()[1].split(".")[:2]) if version else ()
    if not numbers:
        yield Finding("PROBLEM", f"'{program}' does not start: {reason}.")
    elif numbers < _OLDEST_BLENDER:
        yield Finding("note", f"{version} is too old for Semblance.", "Use Blender 4.5 or newer.")
    else:
        yield Finding("ok", f"{version} ({program})")


def cameras() -> Iterator[Finding]:
    """Video devices, and whether this user may open them."""
    if not sys.platform.startswith("linux"):
        yield Finding("note", "Cameras are not looked for on this system; 'semblance track 0 --end 5' tries the first.")
        return
    devices = sorted(Path("/dev").glob("video*"))
    for device in devices:
        if os.access(device, os.R_OK | os.W_OK):
            yield Finding("ok", f"camera {device.name.removeprefix('video')} ({device})")
        else:
            advice = "sudo usermod -aG video $USER, then log in again"
            yield Finding("note", f"The camera {device} is there, but you may not open it.", advice)
    if not devices:
        yield Finding("note", "No camera; videos work without one.")


def disk() -> Iterator[Finding]:
    """Room for takes and renders here and for temporary files."""
    for folder, purpose in ((Path.cwd(), "this folder"), (Path(tempfile.gettempdir()), "temporary files")):
        free_gb = shutil.disk_usage(folder).free / 1e9
        text = f"{free_gb:.1f} GB free for {purpose}"
        yield Finding("ok", text) if free_gb >= _LEAST_FREE_GB else Finding("note", f"Only {text}.", "Free some space.")


def _ask(command: list[str]) -> tuple[str, str]:
    """The line with the version that a program prints, and what went wrong without one (its last line)."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    version = next((line for line in answer.stdout.splitlines() if line.startswith("Blender ")), "")
    lines = answer.stderr.strip().splitlines()
    return version, lines[-1].rstrip(".") if lines else f"exit code {answer.returncode}"
