"""Finding the controls of a foreign rig: from what the user selected to a profile that can be used or corrected."""
from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import bpy
import numpy as np
from mathutils import Vector

from ..characters.bone_layouts import RestBone, mirror_sign, read_bones
from ..characters.control_names import OTHER, group_of, is_corrective, partner
from ..characters.rig_layouts import read_sliders
from ..core import coefficients
from ..core.control_set import BoneChannel, Control, ControlSet, CustomProperty, ShapeKey, Target
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from .binding import belongs_to
from .rest_bones import CHANNELS, rest_bones, up_of
from .shape_keys import coordinates

GENERIC = "generic"
# A custom property without limits of its own is offered with this range.
_UNLIMITED = (0.0, 1.0)
# Limits beyond this are Blender's "none".
_ENDLESS = 1e6
# Ranges of channels without limits of their own: of a turn in rad, of a scale; a location moves by a bone's length.
_TURN, _SCALE = 0.8, (0.5, 1.5)
# Signals are 0..1 but for the head's angles, which reach about this many rad.
_HEAD_REACH = 0.8
# A channel goes at least this share of its reach the other way too.
_SLACK = 0.1


@dataclass(frozen=True)
class Proposal:
    """What was found on a rig."""

    profile: RigProfile
    layout: str
    """"ARKit shape keys", "VRM", "VRoid", "VRChat", "Rigify face", "Auto-Rig Pro", "MetaHuman board", or "generic": not
    known, so that most of it has no meaning before it is learned."""
    notes: tuple[str, ...]
    """Sentences for the user: what was left out and why."""


@dataclass(frozen=True)
class _Found:
    """A number that could become a control."""

    name: str
    target: Target
    minimum: float
    maximum: float
    neutral: float
    limited: bool
    """True if the rigger gave it limits, which tells a control from a bone that merely can move."""
    meaning: Mapping[str, float] = field(default_factory=dict)
    enabled: bool = True
    """False: something else moves the same already."""


def propose(objects: Sequence[bpy.types.Object], scene: bpy.types.Scene) -> Proposal:
    """A profile of the face that the selected armature and meshes carry; nothing in the scene is changed.

    Raises:
        SemblanceError: if two armatures are selected, or nothing there can be controlled.
    """
    armature, meshes = _character(objects, scene)
    notes: list[str] = []
    layout, sliders = _read_sliders([*_shape_keys(meshes, notes), *_properties(armature, meshes, notes)])
    bones = rest_bones(armature, _driven(armature), notes) if armature else {}
    bone_layout, channels, frame = _read_bones(armature, bones, meshes, sliders)
    found = [*sliders, *channels]
    if _signals(channels) > _signals(sliders) or not layout:
        layout = bone_layout or layout
    if layout:
        found = [one for one in found if one.meaning or not _is_of_the_body(one)]
    elif armature and armature.pose:
        known = {one.target for one in found}
        found += [one for one in _unlimited(armature.pose.bones, bones) if one.target not in known]
    found = [one for one in found if _is_range(one.minimum, one.maximum)]
    if not found:
        raise SemblanceError(_nothing(armature, meshes, notes))
    controls = _controls(found, layout or GENERIC, bones, frame)
    name = (armature or meshes[0]).name
    profile = RigProfile(name, "", None, armature.name if armature else "", ControlSet(controls), Path())
    return Proposal(profile, layout or GENERIC, tuple(notes))


def _character(
    objects: Sequence[bpy.types.Object], scene: bpy.types.Scene
) -> tuple[bpy.types.Object | None, list[bpy.types.Object]]:
    """The armature and all meshes of the character that `objects` belong to; the face first."""
    chosen = [item for item in objects if item.type == "MESH"]
    armatures = {item.name: item for item in objects if item.type == "ARMATURE"}
    if not armatures:
        armatures = {found.name: found for item in chosen for found in _armatures_of(item)}
    if len(armatures) > 1:
        raise SemblanceError(f"Select one character: {' and '.join(sorted(armatures))} are not the same armature.")
    if not armatures and not chosen:
        raise SemblanceError("Select the armature of a character, or a mesh of its face, and try again.")
    armature = next(iter(armatures.values()), None)
    if armature:
        others = (item for item in scene.objects if item.type == "MESH" and item not in chosen)
        chosen += [item for item in others if belongs_to(item, armature)]
    else:
        chosen += loose_parts(chosen, scene)
    # The face has the most keys; lashes and teeth follow it.
    return armature, sorted(chosen, key=lambda item: (-len(_key_names(item)), item.name))


def _armatures_of(item: bpy.types.Object) -> Iterator[bpy.types.Object]:
    yield from (m.object for m in item.modifiers if m.type == "ARMATURE" and m.object is not None)
    parent = item.parent
    while parent is not None:
        if parent.type == "ARMATURE":
            yield parent
        parent = parent.parent


def loose_parts(chosen: Collection[bpy.types.Object], scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The meshes without an armature that make one face with those chosen, such as lashes and teeth.

    They share a shape key, the parent or a collection, and the place; another head stands beside.
    """
    def is_part(item: bpy.types.Object, one: bpy.types.Object) -> bool:
        family = item.parent == one.parent if one.parent else set(item.users_collection) & set(one.users_collection)
        return bool(family and _key_names(item) & _key_names(one)) and _meet(item, one)

    loose = (item for item in scene.objects if item.type == "MESH" and item not in chosen)
    return [item for item in loose if not any(_armatures_of(item)) and any(is_part(item, one) for one in chosen)]


def _meet(item: bpy.types.Object, other: bpy.types.Object) -> bool:
    """True if the boxes around two objects touch."""
    first, second = (
        np.array([each.matrix_world @ Vector(corner) for corner in each.bound_box]) for each in (item, other)
    )
    return bool((first.min(0) <= second.max(0)).all() and (second.min(0) <= first.max(0)).all())


def _key_names(item: bpy.types.Object) -> set[str]:
    keys = item.data.shape_keys
    return {block.name for block in keys.key_blocks if block != keys.reference_key} if keys else set()


def _driven(owner: bpy.types.ID) -> set[tuple[str, int]]:
    """(data path, index) of everything of `owner` that a driver sets."""
    data = owner.animation_data
    return {(curve.data_path, curve.array_index) for curve in data.drivers} if data else set()


def _shape_keys(meshes: list[bpy.types.Object], notes: list[str]) -> Iterator[_Found]:
    """One entry per key name, with all meshes on which it is free."""
    holders: dict[str, list[bpy.types.Object]] = {}
    seen: set[bpy.types.Key] = set()
    driven = correctives = 0
    for item in meshes:
        keys = item.data.shape_keys
        if keys is None or keys in seen:
            continue
        seen.add(keys)
        if not keys.use_relative:
            notes.append(f"The shape keys of '{item.name}' are absolute, which cannot be mixed; they are left out.")
            continue
        paths = _driven(keys)
        for block in keys.key_blocks:
            if block == keys.reference_key:
                continue
            if (f'key_blocks["{bpy.utils.escape_identifier(block.name)}"].value', 0) in paths:
                driven += 1
            elif is_corrective(block.name):
                correctives += 1
            else:
                holders.setdefault(block.name, []).append(item)
    if driven:
        notes.append(f"Shape keys left out because drivers set them: {driven}; what drives them is the control.")
    if correctives:
        notes.append(f"Shape keys left out because they are correctives by their names: {correctives}.")
    for name, items in holders.items():
        block = items[0].data.shape_keys.key_blocks[name]
        neutral = min(max(0.0, block.slider_min), block.slider_max)
        target = ShapeKey(tuple(item.name for item in items), name)
        yield _Found(name, target, block.slider_min, block.slider_max, neutral, True)


def _properties(
    armature: bpy.types.Object | None, meshes: list[bpy.types.Object], notes: list[str]
) -> Iterator[_Found]:
    """Custom properties that are numbers, of bones and objects."""
    for item in filter(None, (armature, *meshes)):
        owner = "" if item == armature else item.name
        driven = _driven(item)
        for bone in (None, *(item.pose.bones if item.pose else ())):
            holder = bone or item
            prefix = f'pose.bones["{bpy.utils.escape_identifier(bone.name)}"]' if bone else ""
            for name, value in holder.items():
                path = f'{prefix}["{bpy.utils.escape_identifier(name)}"]'
                if (path, 0) not in driven and _is_slider(holder, name, value):
                    target = CustomProperty(bone.name if bone else "", name, owner)
                    yield from _property(holder, name, target, notes)


def _is_slider(holder: bpy.types.bpy_struct, name: str, value: object) -> bool:
    """True for a number that the rigger added; not for a switch, nor for what add-ons declare."""
    return isinstance(value, int | float) and not isinstance(value, bool) and name not in holder.bl_rna.properties


def _property(
    holder: bpy.types.bpy_struct, name: str, target: CustomProperty, notes: list[str]
) -> Iterator[_Found]:
    """The property within the range of its slider; nothing for a choice from a list or a range that is none."""
    ui = holder.id_properties_ui(name).as_dict()
    if ui.get("items"):
        return
    low, high = (float(ui.get(f"soft_{end}", ui[end])) for end in ("min", "max"))
    limited = abs(low) < _ENDLESS and abs(high) < _ENDLESS
    if not limited:
        low, high = _UNLIMITED
    neutral = float(ui.get("default", 0.0))
    if not (math.isfinite(neutral) and _is_range(low, high)):
        notes.append(f"The property '{name}' has no usable limits ({low:g} to {high:g}); it is left out.")
        return
    yield _Found(name, target, low, high, min(max(neutral, low), high), limited)


def _is_range(low: float, high: float) -> bool:
    """True for limits that a control can have: finite, and apart also as float32, in which all is computed."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.float32(high) - np.float32(low)) and np.float32(low) < np.float32(high))


def _read_sliders(found: list[_Found]) -> tuple[str, list[_Found]]:
    """The layout that the names of sliders speak, and the sliders with the meaning that it gives them."""
    holders: dict[str, frozenset[str]] = {}
    for one in found:
        holders[one.name] = holders.get(one.name, frozenset()) | _holders(one.target)
    reading = read_sliders(holders)
    return reading.layout, [
        replace(one, meaning={signal: share * _full(one) for signal, share in meaning.items()})
        for one in found if (meaning := reading.meanings.get(one.name, {})) or one.limited
    ]


def _holders(target: Target) -> frozenset[str]:
    """What carries a control: on one of these no two controls may mean the same."""
    if isinstance(target, ShapeKey):
        return frozenset(target.meshes)
    return frozenset([f"{target.object if isinstance(target, CustomProperty) else ''}\0{target.bone}"])


def _full(one: _Found) -> float:
    """The value at which a slider's shape is shown in full, away from the neutral."""
    if isinstance(one.target, ShapeKey):
        return 1.0
    return (one.maximum if one.maximum > one.neutral else one.minimum) - one.neutral


def _is_of_the_body(one: _Found) -> bool:
    """True for a property that neither by its own name nor by its bone's belongs to a face, such as IK_FK."""
    target = one.target
    return isinstance(target, CustomProperty) and group_of(one.name) == OTHER == group_of(target.bone)


def _signals(found: Iterable[_Found]) -> int:
    """How many expression coefficients are shown."""
    return len({signal for one in found for signal in one.meaning} & coefficients.INDEX.keys())


def _read_bones(
    armature: bpy.types.Object | None, bones: Mapping[str, RestBone], meshes: list[bpy.types.Object],
    sliders: list[_Found],
) -> tuple[str, list[_Found], np.ndarray]:
    """The layout of the bones, their channels that mean something or are limited, and the axes of the face."""
    if not armature or not bones:
        return "", [], np.eye(3)
    reading = read_bones(list(bones.values()), up_of(armature))
    shown = {signal for one in sliders for signal in one.meaning}
    gaze = [one.target for one in sliders if any(signal.startswith("eyeLook") for signal in one.meaning)]
    gaze_keys = {target.key for target in gaze if isinstance(target, ShapeKey)}
    found = []
    limited = [(bone.name, *key) for bone in bones.values() for key in bone.limits if key in bone.free]
    for channel in dict.fromkeys((*reading.meanings, *limited)):
        one = _channel(bones[channel[0]], channel, reading.meanings.get(channel, {}))
        left = {signal: amount for signal, amount in one.meaning.items() if signal not in shown}
        if _is_gaze(one) and not left and gaze_keys and _turns_an_eyeball(channel[0], meshes, gaze_keys):
            left = dict(one.meaning)
        found.append(replace(one, meaning=left or one.meaning, enabled=bool(left) or not one.meaning))
    return reading.layout, found, reading.frame


def _channel(bone: RestBone, channel: tuple[str, str, int], meaning: Mapping[str, float]) -> _Found:
    """One axis of a bone; where no constraint limits it, it reaches as far as its meaning can go."""
    name, kind, axis = channel
    neutral = 1.0 if kind == "scale" else 0.0
    limits = bone.limits.get((kind, axis))
    low, high = limits or _reach(meaning, neutral)
    neutral = min(max(neutral, low), high)
    if limits:
        # No signal goes further by itself than the rigger allows, so that none saturates before its end.
        held = {signal: min(max(amount, low - neutral), high - neutral) for signal, amount in meaning.items()
                if not signal.startswith("head")}
        meaning = {signal: amount for signal, amount in (dict(meaning) | held).items() if amount}
    words = {"location": "", "rotation_euler": "rotation ", "scale": "scale "}[kind]
    return _Found(
        f"{name} {words}{'XYZ'[axis]}", BoneChannel(name, kind, axis), low, high, neutral, bool(limits), meaning
    )


def _reach(meaning: Mapping[str, float], neutral: float) -> tuple[float, float]:
    """How far a channel goes when all of its meaning comes together, and a little the other way."""
    head = [abs(amount) * _HEAD_REACH for signal, amount in meaning.items() if signal.startswith("head")]
    high = sum(head) + sum(amount for amount in meaning.values() if amount > 0 and not head)
    low = -sum(head) + sum(amount for amount in meaning.values() if amount < 0 and not head)
    return neutral + min(low, -_SLACK * high), neutral + max(high, -_SLACK * low)


def _is_gaze(one: _Found) -> bool:
    return bool(one.meaning) and all(signal.startswith("eyeLook") for signal in one.meaning)


def _turns_an_eyeball(bone: str, meshes: list[bpy.types.Object], gaze_keys: set[str]) -> bool:
    """True if the bone carries points that no key for gaze moves: then keys turn the lids, and the bone the eye."""
    for item in meshes:
        if item.parent_type == "BONE" and item.parent_bone == bone:
            return True
        group = item.vertex_groups.get(bone)
        if group is None:
            continue
        mine = [v.index for v in item.data.vertices if any(g.group == group.index and g.weight > 0.5 for g in v.groups)]
        if mine and not _moved_by(gaze_keys, item, mine):
            return True
    return False


def _moved_by(names: set[str], item: bpy.types.Object, points: list[int]) -> bool:
    """True if a key of the mesh that is one of `names` moves most of its `points`."""
    keys = item.data.shape_keys
    for block in keys.key_blocks if keys else ():
        if block.name in names:
            here, rest = (coordinates(each)[points] for each in (block, block.relative_key))
            # 1e-5 of a unit is what an exporter's rounding moves.
            if (np.abs(here - rest).max(axis=1) > 1e-5).mean() > 0.5:
                return True
    return False


def _unlimited(pose_bones: Iterable[bpy.types.PoseBone], bones: Mapping[str, RestBone]) -> Iterator[_Found]:
    """Channels without limits of bones made to be moved: with a shape to grab, or with some channels locked."""
    for pose in pose_bones:
        bone = bones[pose.name]
        hand_made = pose.custom_shape or any((*pose.lock_location, *pose.lock_rotation, *pose.lock_scale))
        if not hand_made or pose.bone.hide:
            continue
        length = pose.bone.length
        ranges = {"location": (-length, length), "rotation_euler": (-_TURN, _TURN), "scale": _SCALE}
        for kind in CHANNELS:
            for axis in range(3):
                if (kind, axis) in bone.free and (kind, axis) not in bone.limits:
                    one = _channel(bone, (bone.name, kind, axis), {})
                    low, high = ranges[kind]
                    yield replace(one, minimum=low, maximum=high)


def _controls(
    found: list[_Found], layout: str, bones: Mapping[str, RestBone], frame: np.ndarray
) -> tuple[Control, ...]:
    """Found numbers as controls: named, paired and grouped.

    Without a meaning they are switched off, but for parts of a face in an unknown layout, which can be learned.
    """
    names = _unique([one.name for one in found])
    kinds: dict[object, set[str]] = {}
    for name, one in zip(names, found, strict=True):
        kinds.setdefault(_kind(one.target), set()).add(name)
    by_name = dict(zip(names, found, strict=True))
    controls = []
    for name, one in by_name.items():
        pair, group = partner(name, kinds[_kind(one.target)]), group_of(one.name, one.meaning)
        controls.append(Control(
            name, one.target, one.minimum, one.maximum, one.neutral, group, pair,
            _mirror_sign(one, by_name[pair], bones, frame), one.meaning,
            enabled=one.enabled and (bool(one.meaning) or (layout == GENERIC and one.limited and group != OTHER)),
        ))
    return tuple(controls)


def _kind(target: Target) -> object:
    """What a control's other side must share with it."""
    return (target.channel, target.axis) if isinstance(target, BoneChannel) else type(target)


def _mirror_sign(one: _Found, other: _Found, bones: Mapping[str, RestBone], frame: np.ndarray) -> float:
    """-1 for what turns round in a mirror: a channel by its axes, a central slider by meaning left or right."""
    if isinstance(one.target, BoneChannel) and isinstance(other.target, BoneChannel):
        target = one.target
        channel = (target.bone, target.channel, target.axis)
        return mirror_sign(frame, channel, bones[target.bone], bones[other.target.bone])
    total = sum(abs(amount) for amount in one.meaning.values())
    turned = sum(
        abs(amount + one.meaning.get(coefficients.NAMES[coefficients.MIRROR[coefficients.INDEX[signal]]], 0.0))
        for signal, amount in one.meaning.items() if signal in coefficients.INDEX
    )
    return -1.0 if one is other and total and turned < 1e-6 * total else 1.0


def _unique(names: list[str]) -> list[str]:
    """The names, those that are there twice with a number."""
    used: set[str] = set()
    result = []
    for name in names:
        free, number = name, 2
        while free in used:
            free, number = f"{name} ({number})", number + 1
        used.add(free)
        result.append(free)
    return result


def _nothing(armature: bpy.types.Object | None, meshes: list[bpy.types.Object], notes: list[str]) -> str:
    return " ".join((
        f"Nothing of '{(armature or meshes[0]).name}' can be controlled: there is no free shape key, custom property "
        "or bone with limits.", *notes,
    ))
