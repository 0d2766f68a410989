"""What Semblance needs and whether it is here, found out once and kept, because panels redraw all the time."""
from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..core.errors import SemblanceError
from ..core.finding import Finding
from ..core.model_card import NEEDED
from ..core.network import PROVIDER, Network, fallback
from ..core.paths import MODELS
from ..core.rig_profile import RigProfile, read_presets, read_profiles, shipped_files
from ..robot import doctor
from ..tracking.cameras import list_cameras
from .folders import all_presets_folders

# Module → the feature that is off without it.
WHEELS = {"onnxruntime": "Tracking and decoding", "cv2": "Reading videos"}


@dataclass(frozen=True)
class Readiness:
    """What was found."""

    problems: tuple[str, ...]
    """One sentence each; empty when all is here."""
    characters: tuple[RigProfile, ...]
    presets: tuple[RigProfile, ...] = ()
    """Of the user's own rigs."""
    unread: tuple[str, ...] = ()
    """A sentence for each preset that cannot be read; the others work."""

    @cached_property
    def sentence(self) -> str:
        """One line for the sidebar."""
        if not self.problems:
            return f"Ready: {', '.join(p.name for p in self.characters)}"
        return self.problems[0] if len(self.problems) == 1 else f"{len(self.problems)} parts are missing (Preferences)"


_found: Readiness | None = None
_devices: tuple[Finding, ...] = ()


def current() -> Readiness:
    """What the last check found; checks if there was none."""
    return _found or refresh()


def refresh() -> Readiness:
    """Look again: a few milliseconds of files, never while drawing."""
    global _found
    problems = [
        f"{feature} is off, '{module}' is missing; install Semblance's zip, or run 'make dev-install'"
        for module, feature in WHEELS.items() if importlib.util.find_spec(module) is None
    ]
    if not list(MODELS.glob("*/model.onnx")):
        problems.append(f"The networks are missing from '{MODELS}'; install Semblance again")
    else:
        problems += [
            f"The network '{name}' for {purpose} is missing; install Semblance again"
            for name, purpose in NEEDED.items() if not (MODELS / name / "model.onnx").is_file()
        ]
    characters, broken = read_profiles(shipped_files())
    problems += broken
    problems += [
        f"The file '{p.blend}' of {p.name} is missing" for p in characters if p.blend and not p.blend.is_file()
    ]
    if not characters:
        problems.append("No character is installed; install Semblance again")
    presets, unread = read_presets(all_presets_folders())
    _found = Readiness(tuple(problems), tuple(characters), tuple(presets), tuple(unread))
    return _found


def devices() -> tuple[Finding, ...]:
    """What `look_for_devices` found; nothing before."""
    return _devices


def look_for_devices() -> None:
    """Look for cameras, serial ports and what networks run on, in some tenths of a second; no motor is asked."""
    global _devices
    _devices = (*_networks(), *_cameras(), *doctor.wheels(), *doctor.ports(), *_provider())


def forget_devices() -> None:
    """The user has chosen another provider, or the extension ends."""
    global _devices
    _devices = ()


def _networks() -> Iterator[Finding]:
    """What they are for; one that is missing is among the problems."""
    there = [purpose for name, purpose in NEEDED.items() if (MODELS / name / "model.onnx").is_file()]
    yield Finding("ok", f"networks for {', '.join(there)}")


def _cameras() -> Iterator[Finding]:
    cameras = list_cameras()
    for camera in cameras:
        yield Finding("ok", f"camera {camera.index}: {camera.name}")
    if not cameras:
        yield Finding("note", "No camera is here; videos work without one.", "Connect one for Live.")


def _provider() -> Iterator[Finding]:
    """Tried with a real network, because only that tells whether a driver fits."""
    wanted = os.environ.get(PROVIDER, "CPU")
    try:
        used = Network("face_detector", "Tracking").provider
    except SemblanceError as error:
        yield Finding("PROBLEM", str(error))
        return
    yield Finding("ok", f"networks run on {used}") if used == wanted else Finding("note", fallback(wanted))
