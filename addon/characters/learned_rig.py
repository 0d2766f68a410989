"""A learned rig: weights that let its controls follow an expression, the decoder that uses them, and their file.

The file is kept beside the rig's preset. It holds what identifies each control, so that a rig which has changed since
is refused, and a checksum; nothing is pickled. How weights are found is in `rig_learning`.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..core import coefficients
from ..core.arrays import opened_arrays, write_arrays
from ..core.control_set import SIGNALS, BoneChannel, Control, ControlSet, CustomProperty, signals_of
from ..core.errors import SemblanceError
from ..core.frames import ControlFrame, ControlTrack, Expression, ExpressionTrack, stack
from .meaning_decoder import MeaningDecoder
from .rig_lips import RigLips

SUFFIX: Final = ".learned.npz"
VERSION: Final = 3
_READ: Final = (2, VERSION)
"""Version 2 knew no lips."""
_FORMAT: Final = "semblance learned rig"
_ARRAYS: Final = ("weights", "quality", "learned", "sizes")
_LIPS: Final = ("rest", "effects")
"""The arrays of its lips, where they are known; in the file "lips_" goes before."""
INPUTS: Final = coefficients.COUNT + 6
"""The coefficients; yaw, pitch and roll where they are above 0, and how far they are below it."""
_SHOWN: Final = 0.05
"""Shares below this are too faint to be told as a meaning."""
_FAIR: Final = 0.3


@dataclass(frozen=True)
class LearnedRig:
    """The weights of a rig and what was found out about its controls."""

    weights: np.ndarray
    """float32 [INPUTS, K]: share of the way from the neutral to an end, for 1.0 of an input."""
    quality: np.ndarray
    """float32 [K], -1..1: correlation with the truth in held-out pictures; NaN for controls that were not learned."""
    learned: np.ndarray
    """bool [K]: these follow the weights; the others, and those whose meaning was edited since, their meaning."""
    faults: tuple[str, ...]
    """Sentences about controls that do nothing in the picture, or the same as another."""
    sizes: np.ndarray
    """float32 [K]: how far shape keys moved their meshes when they were learned; NaN where that is not known."""
    lips: RigLips | None = None
    """None where no landmarks tell where they are."""


class LearnedDecoder:
    """Turns expressions into values of a learned rig's controls; controls that were not learned follow their meaning.

    What a user sets on single controls comes later, as for every decoder.
    """

    stamp = "learned"
    """What a take records about this decoder."""

    def __init__(self, controls: ControlSet, rig: LearnedRig) -> None:
        self.controls = controls
        self.rig, self.lips, self._meaning = rig, rig.lips, MeaningDecoder(controls)

    def decode(self, track: ExpressionTrack) -> ControlTrack:
        """Controls of every frame; values float32 [T, K] in profile order."""
        return ControlTrack(track.times_s, self.values(signals_of(track)))

    def decode_one(self, expression: Expression) -> ControlFrame:
        """Controls of a single expression."""
        return ControlFrame(expression.time_s, self.decode(stack([expression])).values[0])

    def values(self, signals: np.ndarray) -> np.ndarray:
        """Signals [..., 57] → values float32 [..., K]."""
        learned = self.controls.from_shares(inputs_of(signals) @ self.rig.weights)
        return np.where(self.rig.learned, learned, self._meaning.values(signals)).astype(np.float32)


def inputs_of(signals: np.ndarray) -> np.ndarray:
    """Signals [..., 57] (of core.control_set) → inputs float32 [..., INPUTS]."""
    face, head = signals[..., :coefficients.COUNT], signals[..., coefficients.COUNT:]
    return np.concatenate([face, np.maximum(head, 0), np.maximum(-head, 0)], axis=-1).astype(np.float32)


def learned_path(preset: Path) -> Path:
    """Where the weights of the preset `preset` are kept."""
    return preset.parent / (preset.stem + SUFFIX)


def write_learned(path: Path, rig: LearnedRig, controls: ControlSet) -> None:
    """Write the weights, whole or not at all; `controls` as they will be used, with their meanings.

    Raises:
        SemblanceError: if the file cannot be written.
    """
    listed = [_identity(control) | {"meaning": dict(control.meaning)} for control in controls.controls]
    header = {"format": _FORMAT, "version": VERSION, "controls": listed, "faults": list(rig.faults)}
    data = json.dumps(header).encode()
    arrays = {name: getattr(rig, name) for name in _ARRAYS}
    if rig.lips is not None:
        arrays |= {f"lips_{name}": getattr(rig.lips, name) for name in _LIPS}
    check = _check(np.frombuffer(data, np.uint8), *arrays.values())
    write_arrays(path, data, arrays | {"check": check})


def read_learned(path: Path, controls: ControlSet) -> LearnedRig:
    """The weights for these controls, in their order.

    Raises:
        SemblanceError: if the file is missing or damaged, or the rig has changed since; the sentence names the control.
    """
    damaged = f"'{path}' is damaged; learn the rig again, or delete the file."
    with opened_arrays(path, f"'{path}'", damaged) as file:
        header = json.loads(file["header"].tobytes())
        if (version := header["version"]) not in _READ:
            raise SemblanceError(
                f"'{path}' has version {version!r}, this Semblance reads {VERSION}; learn the rig again."
            )
        arrays = {name: file[name] for name in _ARRAYS}
        lips = {name: file[f"lips_{name}"] for name in _LIPS if f"lips_{name}" in file}
        whole = np.array_equal(_check(file["header"], *arrays.values(), *lips.values()), file["check"])
        known = header["controls"]
        names = [control["name"] for control in known]
        rig = LearnedRig(faults=tuple(map(str, header["faults"])), lips=RigLips(**lips) if lips else None, **arrays)
    if not whole or header.get("format") != _FORMAT or not _fits(rig, len(names)):
        raise SemblanceError(damaged)
    _refuse_changed(path, known, controls)
    order = [names.index(name) for name in controls.names]
    edited = [dict(control.meaning) != known[i]["meaning"] for control, i in zip(controls.controls, order, strict=True)]
    lips_in_order = replace(rig.lips, effects=rig.lips.effects[:, order]) if rig.lips else None
    return LearnedRig(rig.weights[:, order], rig.quality[order], rig.learned[order] & ~np.array(edited), rig.faults,
                      rig.sizes[order], lips_in_order)


def forget_learned(preset: Path) -> bool:
    """Delete the weights of the preset `preset` and their sheet; False if there are none.

    Raises:
        SemblanceError: if a file cannot be deleted.
    """
    path = learned_path(preset)
    there = path.is_file()
    try:
        for file in (path, path.with_suffix(".png")):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise SemblanceError(f"Cannot delete '{path}': {error.strerror}.") from error
    return there


def with_meanings(controls: ControlSet, rig: LearnedRig) -> ControlSet:
    """The controls, those that were learned with what they follow as their meaning, and switched on if they do.

    It says the same as the weights but for what is too faint to be shown, and can be read and corrected.
    """
    count = coefficients.COUNT
    up, down = controls.maximum - controls.neutral, controls.neutral - controls.minimum
    amounts = rig.weights * np.where(rig.weights > 0, up, down)
    amounts[count:count + 3] = (amounts[count:count + 3] - amounts[count + 3:]) / 2
    shown = np.abs(amounts[:len(SIGNALS)]) > _SHOWN * np.where(rig.weights[:len(SIGNALS)] > 0, up, down)
    changed = []
    for column, control in enumerate(controls.controls):
        if rig.learned[column]:
            rows = np.flatnonzero(shown[:, column])
            meaning = {SIGNALS[row]: float(f"{amounts[row, column]:.4g}") for row in rows}
            control = replace(control, meaning=meaning, enabled=control.enabled or bool(meaning))
        changed.append(control)
    return ControlSet(tuple(changed))


def told(rig: LearnedRig) -> str:
    """A sentence: how many controls were learned, and how well pictures of the rig tell them."""
    quality = rig.quality[rig.learned]
    moved = f"{int(rig.weights.any(axis=0)[rig.learned].sum())} of {len(quality)} controls follow the performance"
    if np.isnan(quality).all():
        return f"{moved}, as the key poses show."
    return (
        f"{moved}; in pictures of this rig that it was not "
        f"learned from, {int((quality >= _FAIR).sum())} are read with a correlation of {_FAIR} or more."
    )


def _identity(control: Control) -> dict[str, Any]:
    """What must be the same when the weights are used; the names of objects differ from file to file."""
    target = control.target
    if isinstance(target, BoneChannel):
        carrier = ["bone", target.bone, target.channel, target.axis]
    elif isinstance(target, CustomProperty):
        carrier = ["property", target.bone, target.property]
    else:
        carrier = ["shape key", target.key]
    limits = {key: float(np.float32(getattr(control, key))) for key in ("minimum", "maximum", "neutral")}
    return {"name": control.name, "carrier": carrier, **limits}


def _refuse_changed(path: Path, known: list[dict[str, Any]], controls: ControlSet) -> None:
    before = {control["name"]: control for control in known}
    for control in controls.controls:
        now, was = _identity(control), before.pop(control.name, None)
        changed = "control" if was is None else next((key for key in now if was.get(key) != now[key]), "")
        if changed:
            how = "is new" if was is None else f"has another {changed} ({now[changed]}, it was {was.get(changed)})"
            raise SemblanceError(
                f"The rig has changed since '{path.name}' was learned: '{control.name}' {how}; learn the rig again."
            )
    for name in before:
        raise SemblanceError(
            f"The rig has changed since '{path.name}' was learned: '{name}' is gone; learn the rig again."
        )


def _check(*arrays: np.ndarray) -> np.ndarray:
    """uint8 [32]: sha256 over all that the file holds."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).digest()
    return np.frombuffer(digest, np.uint8)


def _fits(rig: LearnedRig, count: int) -> bool:
    columns = [(array.shape, array.dtype) for array in (rig.quality, rig.learned, rig.sizes)]
    whole = (rig.weights.shape, rig.weights.dtype) == ((INPUTS, count), np.float32)
    kinds = [((count,), np.dtype(kind)) for kind in (np.float32, bool, np.float32)]
    lips_fit = rig.lips is None or rig.lips.fits(count)
    return whole and columns == kinds and bool(np.isfinite(rig.weights).all()) and lips_fit
