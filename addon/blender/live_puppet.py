"""A character that is moved live: the newest values straight onto its controls, without keys, and back again.

Nothing here keeps a handle of Blender: bones, keys and data-blocks are looked up by name whenever something is written,
because undo, edit mode and deleting make handles invalid at any time.

An Action, an NLA track or a body's animation on the same bones stays where it is and goes on: Blender lets values that
were set by hand stand until the frame changes, and then they are set once more. What was there before is kept in the
scene for as long as the character is moved, so that undo, auto-save and a crash keep it too.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from bpy.props import PointerProperty, StringProperty

from ..core.control_set import Control, CustomProperty, ShapeKey
from .binding import Binding
from .carriers import Carrier

Raw = bool | int | float | list[float]


class SEMBLANCE_PG_before(bpy.types.PropertyGroup):
    """What the controls on one data-block of a character were before it was moved live."""

    root: PointerProperty(type=bpy.types.Object, name="Character", description="Its armature, or its mesh without one")
    item: PointerProperty(type=bpy.types.Object, name="Object", description="What was moved")
    keys: PointerProperty(type=bpy.types.Key, name="Shape Keys", description="Of a mesh; instead of an object")
    values: StringProperty(name="Values", description="JSON: place and value of each control")

    @property
    def owner(self) -> bpy.types.ID | None:
        """What carries the controls; None if it is gone."""
        return self.item or self.keys


@dataclass(frozen=True)
class Place:
    """A property below an owner: an object, or the Key of a mesh."""

    holder: str
    """Name of the bone or of the shape key that has it; empty for the object itself."""
    name: str
    is_custom: bool
    index: int = -1
    """In an array; -1 for a plain number and for the whole array."""

    def find(self, owner: bpy.types.ID) -> bpy.types.bpy_struct | None:
        """What has the property now; None if it is gone."""
        if not self.holder:
            return owner
        if isinstance(owner, bpy.types.Key):
            return owner.key_blocks.get(self.holder)
        return owner.pose.bones.get(self.holder) if owner.pose is not None else None

    def read(self, holder: bpy.types.bpy_struct) -> Raw:
        """The value as Blender has it."""
        value = holder[self.name] if self.is_custom else getattr(holder, self.name)
        if self.index >= 0:
            return value[self.index]
        return value if isinstance(value, bool | int | float) else list(value)

    def write(self, holder: bpy.types.bpy_struct, value: Raw) -> None:
        """Set it, if it still is there."""
        if self.is_custom:
            if self.name in holder:
                holder[self.name] = value
        elif self.index >= 0:
            getattr(holder, self.name)[self.index] = value
        else:
            setattr(holder, self.name, value)


@dataclass(frozen=True)
class _Channel:
    """One carrier without its handles."""

    owner: str
    is_key: bool
    place: Place
    groups: frozenset[str]
    """Of the controls that it carries."""
    value: Callable[[list[float]], Raw]
    """Values of all controls → what is written."""


class Puppet:
    """One character, moved by the controls that `binding` found."""

    def __init__(self, binding: Binding) -> None:
        controls = binding.profile.control_set
        self.count = len(controls)
        """Of its controls."""
        self._controls = controls
        self._channels = [_channel(carrier, controls.controls) for carrier in binding.carriers]
        self.forget()

    def forget(self) -> None:
        """Write everything at the next `play`: somebody else has moved the controls."""
        self._written: list[Raw | None] = [None] * len(self._channels)

    def play(self, values: np.ndarray, without: Collection[str] = ()) -> bool:
        """Set the controls to `values` [K], held inside their limits; what has not changed is not written.

        Args:
            without: groups of controls that are left as they are.

        Returns:
            False if a bone, key or data-block is gone: the character must be bound again.
        """
        numbers, found, whole = self._controls.clamped(values).tolist(), _Found(), True
        for index, channel in enumerate(self._channels):
            value = channel.value(numbers)
            if value == self._written[index] or (without and channel.groups <= set(without)):
                continue
            holder = found.holder(channel)
            if holder is None:
                whole = False
                continue
            channel.place.write(holder, value)
            self._written[index] = value
        found.tag()
        return whole

    def keep(self, rows: bpy.types.bpy_prop_collection, root: bpy.types.Object) -> None:
        """Put what the controls are now into `rows`, one for each data-block."""
        found = _Found()
        kept: dict[tuple[bool, str], list[list[Any]]] = {}
        for channel in self._channels:
            holder = found.holder(channel)
            if holder is not None:
                place = channel.place
                row = [place.holder, place.name, place.is_custom, place.index, place.read(holder)]
                kept.setdefault((channel.is_key, channel.owner), []).append(row)
        for (is_key, owner), values in kept.items():
            row = rows.add()
            row.root, row.values = root, json.dumps(values)
            setattr(row, "keys" if is_key else "item", found.owner(is_key, owner))


def put_back(rows: bpy.types.bpy_prop_collection, leaving: Callable[[bpy.types.Object | None], bool]) -> None:
    """Give the characters whose root is `leaving` what they had, and forget it; animation counts again."""
    for index in reversed(range(len(rows))):
        row = rows[index]
        if not leaving(row.root):
            continue
        owner = row.owner
        if owner is not None:
            _restore(owner, json.loads(row.values))
        rows.remove(index)


def _restore(owner: bpy.types.ID, values: Iterable[list[Any]]) -> None:
    for name, prop, is_custom, index, value in values:
        place = Place(name, prop, is_custom, index)
        holder = place.find(owner)
        if holder is not None:
            place.write(holder, value)
    owner.update_tag()
    if owner.animation_data is not None:
        owner.update_tag(refresh={"TIME"})  # what is animated shows its keys


class _Found:
    """Data-blocks and their bones and keys, each looked up once."""

    def __init__(self) -> None:
        self._owners: dict[tuple[bool, str], bpy.types.ID | None] = {}
        self._holders: dict[tuple[bool, str, str], bpy.types.bpy_struct | None] = {}

    def owner(self, is_key: bool, name: str) -> bpy.types.ID | None:
        """The Key or object of this file, not of a linked one, with that name."""
        place = is_key, name
        if place not in self._owners:
            self._owners[place] = (bpy.data.shape_keys if is_key else bpy.data.objects).get((name, None))
        return self._owners[place]

    def holder(self, channel: _Channel) -> bpy.types.bpy_struct | None:
        """What has the channel's property; None if it is gone."""
        place = channel.is_key, channel.owner, channel.place.holder
        if place not in self._holders:
            owner = self.owner(channel.is_key, channel.owner)
            self._holders[place] = channel.place.find(owner) if owner is not None else None
        return self._holders[place]

    def tag(self) -> None:
        """Drivers on custom properties only notice a change from Python after a tag; Actions are not read again."""
        for owner in self._owners.values():
            if owner is not None:
                owner.update_tag()


def _channel(carrier: Carrier, controls: tuple[Control, ...]) -> _Channel:
    first = carrier.columns[0]
    target = controls[first].target
    whole = len(carrier.indices) > 1
    if isinstance(target, ShapeKey):
        place = Place(target.key, "value", False)
    elif isinstance(target, CustomProperty):
        place = Place(target.bone, target.property, True)
    else:
        place = Place(target.bone, carrier.data_path.rpartition(".")[2], False, -1 if whole else carrier.indices[0])
    columns, key_values = list(carrier.columns), carrier.key_values

    def turned(numbers: list[float]) -> Raw:
        return key_values(np.array([[numbers[column] for column in columns]])).tolist()[0]

    kind: Any = type(place.read(place.find(carrier.owner))) if place.is_custom else float
    value: Callable[[list[float]], Raw] = lambda numbers: numbers[first]  # noqa: E731
    if whole:
        value = turned
    elif kind is not float:
        value = lambda numbers: kind(round(numbers[first]))  # noqa: E731
    groups = frozenset(controls[column].group for column in carrier.columns)
    is_key = isinstance(carrier.owner, bpy.types.Key)
    return _Channel(carrier.owner.name, is_key, place, groups, value)
