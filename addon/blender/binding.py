"""From a rig profile to the properties of one character in a scene.

Blender's handles to bones and keys do not survive undo or loading a file, so a Binding is made when it is needed
(about a millisecond for sixty controls) and not kept.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import bpy
import numpy as np

from ..core.control_set import BoneChannel, Control, CustomProperty, ShapeKey
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile
from .carriers import (
    Carrier,
    Place,
    bone_channel,
    check_channel,
    custom_property,
    is_driven,
    is_turn,
    shape_key,
    turn,
)

# A renamed object still counts as the profile's character when it has at least this share of its bones or keys.
_LIKENESS = 0.5
# So many of the controls with the same trouble are named in its sentence.
_NAMED = 3
_NUMBER = re.compile(r"\.\d{3,}$")


@dataclass(frozen=True)
class Binding:
    """A profile tied to one character of a scene."""

    profile: RigProfile
    root: bpy.types.Object
    """The armature object, or the first mesh of a character without one."""
    carriers: tuple[Carrier, ...]
    missing: tuple[str, ...]
    """What the scene cannot carry, or something else moves; controls with the same trouble share a sentence."""
    notes: tuple[str, ...]
    """What works, but not fully; told in the same way."""

    @cached_property
    def owners(self) -> tuple[bpy.types.ID, ...]:
        """The data-blocks that carry controls, each once, in the order of their first control."""
        return tuple(dict.fromkeys(carrier.owner for carrier in self.carriers))

    @cached_property
    def bound(self) -> np.ndarray:
        """bool [K]: the controls that are carried; not those that are missing or not enabled."""
        carried = np.zeros(len(self.profile.control_set), bool)
        for carrier in self.carriers:
            carried[list(carrier.columns)] = True
        return carried

    def read(self) -> np.ndarray:
        """float32 [K]: the values that the controls have now; neutral for those that are not bound."""
        values = self.profile.control_set.neutral.copy()
        # Of several meshes with one control the first one counts.
        for carrier in reversed(self.carriers):
            values[list(carrier.columns)] = carrier.read()
        return values

    def write(self, values: np.ndarray) -> None:
        """Set the controls to `values` [K], held inside the limits, without keys, as an animator's hand would."""
        numbers = self.profile.control_set.clamped(values).tolist()
        for carrier in self.carriers:
            carrier.write([numbers[column] for column in carrier.columns])
        for owner in self.owners:
            # Drivers on custom properties only notice a change from Python after a tag.
            owner.update_tag()


def bind(profile: RigProfile, scene: bpy.types.Scene, root: bpy.types.Object | None = None) -> Binding:
    """Tie `profile` to the character `root` (its armature or first mesh), or to the first of its kind in `scene`.

    Controls whose bone, property or shape key is gone, locked or driven are listed in `missing`; the others work.

    Raises:
        SemblanceError: if there is no such character, it is linked without an override, or no control is left.
    """
    root = root or _first_character(profile, scene)
    refuse_linked(root)
    search = _Search(profile, root, scene)
    for column, control in enumerate(profile.control_set.controls):
        if control.enabled:
            search.add(column, control)
    if not search.carriers:
        why = search.told(search.missing)[0] if search.missing else "All are switched off in its profile; enable some."
        raise SemblanceError(
            f"'{root.name}' carries none of the {len(profile.control_set)} controls of '{profile.name}'. {why}"
        )
    missing, notes = search.told(search.missing), search.told(search.notes)
    return Binding(profile, root, tuple(search.carriers.values()), missing, notes)


def is_character(item: bpy.types.Object, profile: RigProfile) -> bool:
    """True for an object that has most of what carries the profile's controls, or some of it and the right name.

    It is the armature, or a mesh of a character without one. Blender may have numbered its name. The twin of a robot
    head, which only shows what was sent to it, is none.
    """
    if (item.type == "ARMATURE") != bool(profile.armature) or getattr(item, "semblance_is_twin", False):
        return False
    named = _has_name(item, _root_name(profile))
    if not named and not profile.armature and not _has_keys(item):
        return False
    controls = profile.control_set.controls
    objects = [item]
    if profile.armature and any(isinstance(control.target, ShapeKey) for control in controls):
        objects += [other for other in bpy.data.objects if _has_keys(other) and item in _above(other)]
    if named:
        wanted = {plain_name(name) for name in _member_names(profile)}
        objects += [o for o in bpy.data.objects if plain_name(o.name) in wanted and o != item and _may_have(item, o)]
    armature = item if profile.armature else None
    share = sum(is_carried(control, armature, objects) for control in controls) / len(controls)
    return share >= _LIKENESS or (named and share > 0)


def is_carried(
    control: Control, armature: bpy.types.Object | None, objects: Collection[bpy.types.Object]
) -> bool:
    """True if the armature, or for a shape key or an object's property any of `objects`, has what the control names."""
    target = control.target
    if isinstance(target, ShapeKey):
        return any(_has_keys(item) and target.key in item.data.shape_keys.key_blocks for item in objects)
    if isinstance(target, CustomProperty):
        holders = [_holder(item, target.bone) for item in (objects if target.object else (armature,))]
        return any(holder is not None and holder.get(target.property) is not None for holder in holders)
    return _holder(armature, target.bone) is not None


def find_characters(scene: bpy.types.Scene, profile: RigProfile) -> list[bpy.types.Object]:
    """The objects of `scene` that are this character: those that can be animated first, and with its name first."""
    name = _root_name(profile)

    def order(item: bpy.types.Object) -> tuple[bool, bool, bool, str]:
        return not item.is_editable, item.name != name, not _has_name(item, name), item.name

    return sorted((item for item in scene.objects if is_character(item, profile)), key=order)


def named_character(scene: bpy.types.Scene, profile: RigProfile) -> bpy.types.Object | None:
    """The character by its name alone, quick enough for drawing; a renamed one is not found."""
    name = _root_name(profile)
    names = (name, *(f"{plain_name(name)}.{copy:03}" for copy in range(1, 4)))
    found = (scene.objects.get(each) for each in names)
    return next((item for item in found if item and (item.type == "ARMATURE") == bool(profile.armature)), None)


def belongs_to(item: bpy.types.Object, root: bpy.types.Object) -> bool:
    """True if `item` is `root` or hangs on it, as its child or by a modifier."""
    return item == root or root in _above(item)


def _first_character(profile: RigProfile, scene: bpy.types.Scene) -> bpy.types.Object:
    found = find_characters(scene, profile)
    if found:
        return found[0]
    refuse_instances(scene, profile)
    kind = "an armature" if profile.armature else "an object"
    raise SemblanceError(
        f"The scene '{scene.name}' has no character '{profile.name}' ({kind} named '{_root_name(profile)}'); "
        + (f"add it with 'Add Character' in the panel, or append it from '{profile.blend.name}'."
           if profile.blend else "open the scene that holds it, or choose another character.")
    )


def refuse_linked(root: bpy.types.Object) -> None:
    """Say that the character belongs to another file.

    Raises:
        SemblanceError: if it is linked without a library override.
    """
    if not root.is_editable:
        raise SemblanceError(
            f"'{root.name}' is linked from another file and cannot be animated here; "
            "make a library override of it first (Object > Library Override > Make)."
        )


def refuse_instances(scene: bpy.types.Scene, profile: RigProfile) -> None:
    """Say that the character is only shown: File > Link makes an Empty that shows its collection.

    Raises:
        SemblanceError: if there is such an Empty.
    """
    for item in scene.objects:
        shown = item.instance_collection
        if shown is not None and any(is_character(each, profile) for each in shown.all_objects):
            raise SemblanceError(
                f"'{item.name}' only shows the collection '{shown.name}', whose '{profile.name}' cannot be animated; "
                "make a library override of it first (Object > Library Override > Make; if it is not linked: "
                "Object > Apply > Make Instances Real)."
            )


def animatable(item: bpy.types.Object, scene: bpy.types.Scene) -> bpy.types.Object:
    """The library override that `scene` has of a linked object; the object itself where there is none."""
    if item.is_editable:
        return item
    overrides = (o for o in scene.objects if o.override_library is not None and o.override_library.reference == item)
    return next(overrides, item)


class _Search:
    """Collects what carries the controls, and sentences about what is not as it should be."""

    def __init__(self, profile: RigProfile, root: bpy.types.Object, scene: bpy.types.Scene) -> None:
        self.carriers: dict[Place, Carrier] = {}
        # What is wrong → the names of the controls that have this trouble.
        self.missing: dict[str, list[str]] = {}
        self.notes: dict[str, list[str]] = {}
        self._profile, self._root = profile, root
        self._members = _members(profile, root, scene)

    def add(self, column: int, control: Control) -> None:
        """Look for all that carries one control; whatever is wrong is told, not raised."""
        said: list[str] = []
        found = False
        for mesh in control.target.meshes if isinstance(control.target, ShapeKey) else ("",):
            try:
                carrier = self._carrier(column, control, mesh)
                self._keep(carrier)
            except SemblanceError as error:
                said.append(str(error))
            else:
                said += carrier.notes
                found = True
        for sentence in said:
            (self.notes if found else self.missing).setdefault(sentence, []).append(control.name)

    def told(self, said: dict[str, list[str]]) -> tuple[str, ...]:
        """Whole sentences, each once with the controls that it is about."""
        return tuple(f"Profile '{self._profile.name}', {_listed(names)}: {what}." for what, names in said.items())

    def _carrier(self, column: int, control: Control, mesh: str) -> Carrier:
        target, root = control.target, self._root
        if isinstance(target, ShapeKey):
            return shape_key(column, control, target, self._member(mesh))
        if isinstance(target, CustomProperty):
            item = self._member(target.object) if _is_elsewhere(target, self._profile) else root
            return custom_property(column, control, target, item)
        check_channel(target, root)
        if not is_turn(target, root):
            return bone_channel(column, target, root)
        controls = self._profile.control_set.controls
        axes = {target.axis: column}
        carrier = turn(axes, controls, root, target.bone)
        if carrier.place in self.carriers:
            others = {other: controls[other].target for other in self.carriers[carrier.place].columns}
            axes = {its.axis: other for other, its in others.items() if isinstance(its, BoneChannel)} | axes
            carrier = turn(axes, controls, root, target.bone)
        return carrier

    def _keep(self, carrier: Carrier) -> None:
        """Remember a carrier if it is free; a rotation takes the place of the one with fewer angles."""
        if is_driven(carrier):
            raise SemblanceError(
                f"a driver moves {carrier.data_path} of '{carrier.owner.name}' and is left alone; remove it to key this"
            )
        other = self.carriers.get(carrier.place)
        if other is not None and not set(other.columns) <= set(carrier.columns):
            name = self._profile.control_set.names[other.columns[0]]
            raise SemblanceError(f"control '{name}' already has {carrier.data_path}; correct the rig profile")
        self.carriers[carrier.place] = carrier

    def _member(self, name: str) -> bpy.types.Object:
        if name not in self._members:
            raise SemblanceError(f"there is no object '{name}' that belongs to the character")
        return self._members[name]


def _members(profile: RigProfile, root: bpy.types.Object, scene: bpy.types.Scene) -> dict[str, bpy.types.Object]:
    """The meshes and other objects that the profile names: those of this character first, then those of none."""
    names = set(_member_names(profile))
    wanted = {plain_name(name) for name in names}
    over_root = _above(root)
    there = [item for item in scene.objects if plain_name(item.name) in wanted and _may_have(root, item)]

    def distance(item: bpy.types.Object) -> tuple[bool, ...]:
        over = _above(item)
        own = item == root or root in over
        # Copies of a character of loose meshes are told apart by the number that Blender gave all of them.
        other_copy = not own and _number(item.name) != _number(root.name)
        return not own, not over & over_root, other_copy, not item.is_editable

    def nearest(name: str) -> bpy.types.Object | None:
        alike = [item for item in there if _has_name(item, name)]
        return min(alike, key=lambda item: (*distance(item), item.name != name, item.name), default=None)

    members = {name: item for name in names if (item := nearest(name)) is not None}
    if not profile.armature and plain_name(root.name) not in wanted:
        members[_root_name(profile)] = root  # a renamed one
    return members | _renamed(profile, root, scene, members)


def _renamed(
    profile: RigProfile, root: bpy.types.Object, scene: bpy.types.Scene, members: dict[str, bpy.types.Object]
) -> dict[str, bpy.types.Object]:
    """Meshes that have lost the name which the profile knows: those of the character with most of its shape keys."""
    wanted: dict[str, set[str]] = {}
    for target in (control.target for control in profile.control_set.controls):
        if isinstance(target, ShapeKey):
            for name in set(target.meshes) - members.keys():
                wanted.setdefault(name, set()).add(target.key)
    if not wanted:
        return {}
    free = [o for o in scene.objects if _has_keys(o) and belongs_to(o, root) and o not in members.values()]
    found = {}
    for name, keys in wanted.items():
        shares = [len(keys & set(item.data.shape_keys.key_blocks.keys())) / len(keys) for item in free]
        if max(shares, default=0) >= _LIKENESS:
            found[name] = free.pop(shares.index(max(shares)))
    return found


def _may_have(root: bpy.types.Object, item: bpy.types.Object) -> bool:
    """True unless all armatures that `item` hangs on are others'; a face may hang on two, its own and the body's."""
    own, over = _above(root) | {root}, _above(item)
    return item in own or root in over or all(other in own or other.type != "ARMATURE" for other in over)


def _above(item: bpy.types.Object) -> set[bpy.types.Object]:
    """All that `item` hangs on: its parents, the armatures of its modifiers, and what these hang on."""
    found: set[bpy.types.Object] = set()
    waiting = [item]
    while waiting:
        each = waiting.pop()
        for over in (each.parent, *(m.object for m in each.modifiers if m.type == "ARMATURE")):
            if over is not None and over not in found:
                found.add(over)
                waiting.append(over)
    return found


def _holder(item: bpy.types.Object | None, bone: str) -> bpy.types.Object | bpy.types.PoseBone | None:
    """The bone of that name, or the object itself for an empty name."""
    if item is None or not bone:
        return item
    return item.pose.bones.get(bone) if item.pose is not None else None


def _has_keys(item: bpy.types.Object) -> bool:
    return getattr(item.data, "shape_keys", None) is not None


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return f"control '{names[0]}'"
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    return f"{len(names)} controls ({shown}{' ...' if len(names) > _NAMED else ''})"


def _is_elsewhere(target: CustomProperty, profile: RigProfile) -> bool:
    """True for a property of an object beside the armature."""
    return target.object not in ("", profile.armature)


def _member_names(profile: RigProfile) -> Iterator[str]:
    """The names of the meshes and other objects that carry controls, in order, some more than once."""
    for control in profile.control_set.controls:
        if isinstance(control.target, ShapeKey):
            yield from control.target.meshes
        elif isinstance(control.target, CustomProperty) and _is_elsewhere(control.target, profile):
            yield control.target.object


def _root_name(profile: RigProfile) -> str:
    return profile.armature or next(_member_names(profile))


def _has_name(item: bpy.types.Object, name: str) -> bool:
    return item.name == name or plain_name(item.name) == plain_name(name)


def plain_name(name: str) -> str:
    """A data-block's name without Blender's numbering."""
    return _NUMBER.sub("", name)


def _number(name: str) -> str:
    return name.removeprefix(plain_name(name))
