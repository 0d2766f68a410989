"""A performance as clean keys: one new slotted Action per take, one slot per data-block, one key per scene frame."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import bpy
import numpy as np
from bpy_extras import anim_utils

from ..core.errors import SemblanceError
from ..core.frames import ControlTrack
from ..core.timeline import resample
from . import compat
from .binding import Binding
from .carriers import Carrier


@dataclass(frozen=True)
class Placement:
    """Where on the timeline, and of which controls, keys are wanted."""

    start_frame: int = 1
    """The scene frame of the take's first sample."""
    first_frame: int | None = None
    last_frame: int | None = None
    """Only scene frames from first to last, both included; None = as far as the take goes."""
    without_groups: Collection[str] = ()
    """Groups of controls that get no keys, such as head or gaze."""
    nla_strip: bool = False
    """A strip on a new NLA track instead of the active Action."""
    body: bool = False
    """The body too, where the take has one and the character's bones are known; the head then goes with it."""

    def beside_body(self) -> Placement:
        """The same for a face whose armature plays the body's Action: on a track beside it, the head left to it."""
        return replace(self, nla_strip=True, body=False, without_groups={*self.without_groups, "head"})


@dataclass(frozen=True)
class Keyed:
    """What was written."""

    action: bpy.types.Action
    frames: np.ndarray
    """int [N], each with one key per curve."""
    controls: int
    """How many controls they move; a control may have several curves, and several controls one rotation."""
    track: str = ""
    """The NLA track that has them; empty where they are the active Action."""
    bones: int = 0
    """How many bones of the body got keys."""
    notes: tuple[str, ...] = ()
    """Why the keys are not seen, such as something in the NLA that plays instead."""


def scene_rate(scene: bpy.types.Scene) -> float:
    """Frames per second; 30 / 1.001 for 29.97."""
    # The base is a float32, whose error would cost the last frame of a long take.
    return scene.render.fps / round(scene.render.fps_base, 6)


def key_track(
    binding: Binding, track: ControlTrack, name: str, scene: bpy.types.Scene, placement: Placement = Placement()
) -> Keyed:
    """Write `track` to a new Action `name` and give it to the character; existing Actions keep their keys.

    Raises:
        SemblanceError: if the frame range holds nothing of the take, no control is left to key, or the artist is
            inside an NLA strip.
    """
    frames, values = resample(track.times_s, track.values, placement.start_frame, scene_rate(scene))
    frames, values = cropped(frames, values, placement)
    controls = binding.profile.control_set
    muted = binding.bound & np.array([c.muted for c in controls.controls])
    wanted = binding.bound & ~muted & np.array([c.group not in placement.without_groups for c in controls.controls])
    if not wanted.any():
        raise SemblanceError(
            f"All controls of '{binding.profile.name}' are switched off or muted; switch head or gaze on."
        )
    # An angle that gets no key of its own still is part of its bone's rotation.
    still = np.where(muted, controls.neutral, binding.read())
    values = np.where(wanted, controls.clamped(values), still)
    carriers = [carrier for carrier in binding.carriers if wanted[list(carrier.columns)].any()]
    owners = list(dict.fromkeys(carrier.owner for carrier in carriers))
    check_unlocked(owners)
    groups = [controls.controls[carrier.columns[0]].group or "Face" for carrier in carriers]
    action = write_action(name, carriers, groups, frames, values)
    if muted.any():
        binding.write(still)
    give_action(action, owners, placement)
    notes = tuple(dict.fromkeys(sentence for owner in owners for sentence in _unseen(owner, action, placement)))
    return Keyed(action, frames, int(wanted.sum()), action.name if placement.nla_strip else "", notes=notes)


def give_action(action: bpy.types.Action, owners: Iterable[bpy.types.ID], placement: Placement) -> None:
    """Let each owner play its slot, the owners in the order of the slots."""
    for owner, slot in zip(owners, action.slots, strict=True):
        data = owner.animation_data_create()
        if placement.nla_strip:
            _add_strip(data, action, slot)
        else:
            _activate(data, action, slot)


def _unseen(owner: bpy.types.ID, action: bpy.types.Action, placement: Placement) -> Iterator[str]:
    """Why the new keys of this owner are not seen, and what to do about it."""
    data = owner.animation_data
    if getattr(getattr(owner, "data", None), "pose_position", "POSE") == "REST":
        yield f"'{owner.name}' shows its rest position, so its bones do not move; press Pose Position in its data."
    solo = next((track.name for track in data.nla_tracks if track.is_solo), None)
    if solo is not None:
        yield f"The track '{solo}' of '{owner.name}' plays solo and hides the new keys; switch its star off in the NLA."
    if not placement.nla_strip:
        if len(data.nla_tracks) and (data.action_influence < 1 or data.action_blend_type != "REPLACE"):
            yield f"The active Action of '{owner.name}' is only mixed into its NLA; set it to Replace and 1 there."
        return
    if not data.use_nla:
        yield f"The NLA of '{owner.name}' is switched off and with it the new strip; tick it in the NLA editor."
    if _curves(data.action, data.action_slot) & _curves(action, slot_of(action, owner)):
        yield (
            f"The active Action '{data.action.name}' has keys of the same controls and plays over the new strip; push "
            "it down or take it off in the NLA editor."
        )


def _curves(action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None) -> set[tuple[str, int]]:
    """What the slot of an Action moves."""
    bag = anim_utils.action_get_channelbag_for_slot(action, slot) if action and slot else None
    return {(curve.data_path, curve.array_index) for curve in bag.fcurves if not curve.mute} if bag else set()


def keep_alive(action: bpy.types.Action | None) -> None:
    """To be called before an Action is taken off: one that loses its last user would vanish when the file is saved."""
    if action is not None and action.users == 1:
        action.use_fake_user = True


def cropped(frames: np.ndarray, values: np.ndarray, placement: Placement) -> tuple[np.ndarray, np.ndarray]:
    """Only the frames that are wanted.

    Raises:
        SemblanceError: if none is left.
    """
    first = frames[0] if placement.first_frame is None else placement.first_frame
    last = frames[-1] if placement.last_frame is None else placement.last_frame
    inside = (frames >= first) & (frames <= last)
    if not inside.any():
        raise SemblanceError(
            f"The frame range {first} to {last} holds nothing of the take, which covers frames {frames[0]} to "
            f"{frames[-1]}; change the range or the start frame."
        )
    return frames[inside], values[inside]


def check_unlocked(owners: Iterable[bpy.types.ID]) -> None:
    """Blender takes no other Action while a strip is open; see to it before anything is changed.

    Raises:
        SemblanceError: if one is open.
    """
    for owner in owners:
        if owner.animation_data is not None and owner.animation_data.use_tweak_mode:
            raise SemblanceError(
                f"A strip of '{owner.name}' is open in the NLA editor's tweak mode; leave it (Tab there) and try again."
            )


def write_action(
    name: str, carriers: list[Carrier], groups: list[str], frames: np.ndarray, values: np.ndarray
) -> bpy.types.Action:
    """A new Action with one slot per owner (in the order of `carriers`) and the curves of each carrier in its group."""
    action = bpy.data.actions.new(name)
    action.layers.new("Layer").strips.new(type="KEYFRAME")
    add_curves(action, carriers, groups, frames, values)
    return action


def add_curves(
    action: bpy.types.Action, carriers: list[Carrier], groups: list[str], frames: np.ndarray, values: np.ndarray
) -> None:
    """More curves for an Action of `write_action`, in the slots that their owners have there, or in new ones."""
    strip = action.layers[0].strips[0]
    points = np.empty((len(frames), 2), np.float32)
    points[:, 0] = frames
    # As bytes, which is how Blender keeps enumerations, they are copied whole: ten times as fast as other integers.
    linear, generated = (np.full(len(frames), value, np.uint8) for value in (compat.LINEAR, compat.GENERATED))
    bags: dict[bpy.types.ID, bpy.types.ActionChannelbag] = {}
    for carrier, group in zip(carriers, groups, strict=True):
        if carrier.owner not in bags:
            slot = slot_of(action, carrier.owner)
            if slot is None:
                slot = action.slots.new(id_type=carrier.owner.id_type, name=carrier.owner.name)
            bags[carrier.owner] = strip.channelbag(slot, ensure=True)
        bag = bags[carrier.owner]
        keys = carrier.key_values(values[:, carrier.columns])
        for index, column in zip(carrier.indices, keys.T, strict=True):
            curve = bag.fcurves.new(carrier.data_path, index=index)
            curve.group = bag.groups.get(group) or bag.groups.new(group)
            points[:, 1] = column
            curve.keyframe_points.add(len(frames))
            curve.keyframe_points.foreach_set("co", points.ravel())
            curve.keyframe_points.foreach_set("interpolation", linear)
            curve.keyframe_points.foreach_set("type", generated)
            # Without it the handles stay at (0, 0) and values between frames are wrong.
            curve.update()


def slot_of(action: bpy.types.Action, owner: bpy.types.ID) -> bpy.types.ActionSlot | None:
    """The slot that `write_action` made for a data-block."""
    return next((slot for slot in action.slots if slot.identifier[2:] == owner.name
                 and slot.target_id_type == owner.id_type), None)


def _activate(data: bpy.types.AnimData, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> None:
    keep_alive(data.action)
    data.action = action
    data.action_slot = slot
    if data.action_slot is None:
        raise SemblanceError(f"Blender refused the slot '{slot.identifier}' of the Action '{action.name}'.")


def _add_strip(data: bpy.types.AnimData, action: bpy.types.Action, slot: bpy.types.ActionSlot) -> None:
    track = data.nla_tracks.new()
    track.name = action.name
    strip = track.strips.new(action.name, int(action.frame_range[0]), action)
    strip.action_slot = slot
