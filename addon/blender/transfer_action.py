"""A performance that is keyed on one character, read from its Action and carried to another one."""
from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from bpy_extras import anim_utils

from ..characters.acting import adjusted
from ..characters.transfer import Transfer
from ..characters.transfer_confidence import doubts
from ..core.errors import SemblanceError
from ..core.frames import ControlTrack
from .binding import Binding
from .carriers import Carrier
from .keying import Keyed, Placement, key_track, scene_rate


@dataclass(frozen=True)
class Performance:
    """What a character's active Action does to its controls."""

    name: str
    """The Action's."""
    frames: np.ndarray
    """int [T], scene frames, one after the other."""
    values: np.ndarray
    """float32 [T, K], rig units."""

    def track(self, scene: bpy.types.Scene) -> ControlTrack:
        """The same over time."""
        return ControlTrack((self.frames - self.frames[0]) / scene_rate(scene), self.values)


@dataclass(frozen=True)
class Transferred:
    """What a transfer has written."""

    keyed: Keyed
    confidence: float
    """Mean over the frames, 0..1."""
    notes: tuple[str, ...]
    """Sentences for the user: controls that are missing or rest, frames to look at."""


def read_action(binding: Binding) -> Performance:
    """The values of the controls on every scene frame of the character's active Action, modifiers included.

    A control without a curve keeps the value that it has now. Nothing is changed and the scene's frame stays.

    Raises:
        SemblanceError: if the character has no Action, or it moves none of the controls.
    """
    curves = [_curves(carrier) for carrier in binding.carriers]
    moving = [curve for each in curves for curve in each if curve is not None]
    if not moving:
        raise SemblanceError(
            f"'{binding.root.name}' has no active Action that moves its controls (NLA strips are not read); apply a "
            "take to it, or choose the Action in the Action editor."
        )
    ranges = np.array([curve.range() for curve in moving])
    frames = np.arange(int(np.floor(ranges[:, 0].min())), int(np.ceil(ranges[:, 1].max())) + 1)
    values = np.tile(binding.read(), (len(frames), 1))
    # Of several meshes with one control the first one counts.
    for carrier, each in reversed(list(zip(binding.carriers, curves, strict=True))):
        if any(curve is not None for curve in each):
            values[:, carrier.columns] = _values(carrier, each, frames)
    action = next(data.action for owner in binding.owners if (data := owner.animation_data) and data.action)
    return Performance(action.name, frames, values)


def transfer_performance(
    performance: Performance, transfer: Transfer, binding: Binding, scene: bpy.types.Scene, nla_strip: bool = False
) -> Transferred:
    """Key on the target what the transfer makes of a performance, on the same frames.

    Raises:
        SemblanceError: as `key_track`.
    """
    placement = Placement(int(performance.frames[0]), nla_strip=nla_strip)
    name = f"{performance.name} to {transfer.target}"
    return transfer_track(performance.track(scene), transfer, binding, scene, name, placement)


def transfer_track(
    track: ControlTrack, transfer: Transfer, binding: Binding, scene: bpy.types.Scene, name: str, placement: Placement,
    mirror: bool = False,
) -> Transferred:
    """Key on the target what the transfer makes of the source's controls, or its mirror image.

    Raises:
        SemblanceError: as `key_track`.
    """
    found = adjusted(transfer.transfer(track), binding.profile.control_set, mirror)
    keyed = key_track(binding, found, name, scene, placement)
    judgement = transfer.judge(track)
    frames = np.rint(placement.start_frame + (track.times_s - track.times_s[0]) * scene_rate(scene)).astype(int)
    notes = (*binding.missing, *binding.notes, *keyed.notes, *transfer.notes,
             *doubts(judgement, frames, transfer.source, transfer.target))
    return Transferred(keyed, float(judgement.confidence.mean()), notes)


def _curves(carrier: Carrier) -> list[bpy.types.FCurve | None]:
    """The curve of the active Action for each index of the carrier; None where there is none or it is muted."""
    data = carrier.owner.animation_data
    if data is None or data.action is None or data.action_slot is None:
        return [None] * len(carrier.indices)
    bag = anim_utils.action_get_channelbag_for_slot(data.action, data.action_slot)
    found = [bag.fcurves.find(carrier.data_path, index=index) if bag else None for index in carrier.indices]
    return [None if curve is None or curve.mute or curve.is_empty else curve for curve in found]


def _values(carrier: Carrier, curves: list[bpy.types.FCurve | None], frames: np.ndarray) -> np.ndarray:
    """What the curves say of the carrier's controls, [T, columns]."""
    curve = curves[0]
    if curve is not None and len(curves) == 1:
        return np.array([[curve.evaluate(frame)] for frame in frames])
    # A rotation: only Blender knows its angles, so it is set, read and put back.
    rotation = carrier.owner.path_resolve(carrier.data_path)
    now = list(rotation)
    keys = np.array([[curve.evaluate(frame) if curve else now[index] for frame in frames]
                     for index, curve in zip(carrier.indices, curves, strict=True)]).T
    found = []
    for row in keys:
        rotation[:] = row
        found.append(carrier.read())
    rotation[:] = now
    return np.array(found)
