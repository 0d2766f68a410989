"""The list of an own rig's controls as the sidebar edits it; kept in the scene, so in undo and in the .blend file."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..core import coefficients
from ..core.control_set import SIGNALS, BoneChannel, Control, ControlSet, CustomProperty, ShapeKey, Target
from ..core.errors import SemblanceError
from ..core.rig_profile import RigProfile

_MIRRORED_SIGNALS = dict(zip(coefficients.NAMES, (coefficients.NAMES[i] for i in coefficients.MIRROR), strict=True))
_SIGNALS = frozenset((*SIGNALS, ""))
# What a user sets on a control of any character.
_SETTINGS = ("gain", "enabled", "offset", "muted", "mirrored")
# A head that turns or leans the other way; nodding is the same on both sides.
_FLIPPED = ("headYaw", "headRoll")


def _both_sides(name: str) -> Callable[[bpy.types.PropertyGroup, bpy.types.Context], None]:
    """What an edit of the property `name` also does to the control on the other side."""

    def update(item: SEMBLANCE_PG_control, context: bpy.types.Context) -> None:
        rig, other = item.rig(), item.other_side()
        if rig.quiet or not rig.mirror or other is None:
            return
        with rig.quietly():
            value, flipped = getattr(item, name), item.mirror_sign < 0
            if flipped and name in ("minimum", "maximum"):
                setattr(other, "maximum" if name == "minimum" else "minimum", -value)
            else:
                setattr(other, name, -value if flipped and name in ("neutral", "offset") else value)

    return update


def _pair_edited(item: SEMBLANCE_PG_control, context: bpy.types.Context) -> None:
    """Two controls are each other's other side, or neither is."""
    rig = item.rig()
    if rig.quiet:
        return
    with rig.quietly():
        if item.pair not in rig.controls:
            item.pair = item.name
        for each in rig.controls:
            if each.name == item.pair:
                each.pair = item.name
            elif each.pair == item.name and each != item:
                each.pair = each.name


def _follows_edited(signal: SEMBLANCE_PG_signal, context: bpy.types.Context) -> None:
    control = signal.id_data.path_resolve(signal.path_from_id().rpartition(".follows[")[0])
    if not control.rig().quiet:
        control.index_words()
        control.mirror_follows()


def _signals(item: bpy.types.PropertyGroup, context: bpy.types.Context, text: str) -> list[str]:
    return [name for name in SIGNALS if text.lower() in name.lower()]


def _other_controls(item: SEMBLANCE_PG_control, context: bpy.types.Context, text: str) -> list[str]:
    return [each.name for each in item.rig().controls if text.lower() in each.name.lower()]


def _angle(name: str, label: str, description: str) -> Any:
    """The property `name` once more, shown in degrees."""
    return FloatProperty(
        name=label, subtype="ANGLE", description=description, options={"SKIP_SAVE"},
        get=lambda item: getattr(item, name), set=lambda item, value: setattr(item, name, value),
    )


class SEMBLANCE_PG_signal(bpy.types.PropertyGroup):
    """One thing of the performer's face that a control follows."""

    signal: StringProperty(
        name="Signal", search=_signals, update=_follows_edited,
        description="What the control follows: one of the 54 expression coefficients, or an angle of the head",
    )
    amount: FloatProperty(
        name="Amount", precision=3, step=1, update=_follows_edited,
        description="How far the control goes from its neutral when the signal is 1 (head: for each radian)",
    )
    amount_angle: _angle("amount", "Amount", "How far the control turns from its neutral when the signal is 1")


class SEMBLANCE_PG_control(bpy.types.PropertyGroup):
    """One control of a rig; its name is the property group's own."""

    bone: StringProperty(name="Bone", description="The bone that carries the control; empty without one")
    channel: StringProperty(name="Channel", description="Whether it is a location, a rotation or a scale")
    axis: IntProperty(name="Axis", description="The axis of the channel: 0 is X")
    property: StringProperty(name="Property", description="The custom property that carries the control")
    object: StringProperty(name="Object", description="The object that carries the control; empty for the rig itself")
    meshes: StringProperty(name="Meshes", description="Names of mesh objects, one in a line")
    key: StringProperty(name="Shape Key", description="The shape key that carries the control")
    group: StringProperty(name="Group", description="The part of the face that the control moves")
    enabled: BoolProperty(
        name="Use", default=True, update=_both_sides("enabled"),
        description="Key this control; what is switched off is never touched",
    )
    minimum: FloatProperty(
        name="Minimum", precision=3, step=1, update=_both_sides("minimum"), description="No key goes below this value",
    )
    maximum: FloatProperty(
        name="Maximum", precision=3, step=1, update=_both_sides("maximum"), description="No key goes above this value",
    )
    neutral: FloatProperty(
        name="Neutral", precision=3, step=1, update=_both_sides("neutral"),
        description="The value of the resting face",
    )
    minimum_angle: _angle("minimum", "Minimum", "No key goes below this angle")
    maximum_angle: _angle("maximum", "Maximum", "No key goes above this angle")
    neutral_angle: _angle("neutral", "Neutral", "The angle of the resting face")
    gain: FloatProperty(
        name="Gain", default=1, min=0, soft_max=2, max=100, step=5, precision=2, update=_both_sides("gain"),
        description="How strongly the control leaves its neutral; 1 as it was found, 0 not at all",
    )
    offset: FloatProperty(
        name="Offset", precision=3, step=1, update=_both_sides("offset"),
        description="Added to every key, inside the limits",
    )
    offset_angle: _angle("offset", "Offset", "Added to every key, inside the limits")
    muted: BoolProperty(
        name="Mute", update=_both_sides("muted"), description="Rest at the neutral and get no keys",
    )
    mirrored: BoolProperty(
        name="Mirror", update=_both_sides("mirrored"),
        description="Take the value that this control has in the mirrored pose, that of the other side",
    )
    pair: StringProperty(
        name="Other Side", search=_other_controls, update=_pair_edited,
        description="The control that does the same on the other side of the face; itself if central",
    )
    mirror_sign: FloatProperty(
        name="Mirror Sign", default=1, description="What the value is multiplied by on the other side",
    )
    follows: CollectionProperty(
        type=SEMBLANCE_PG_signal, description="The parts of the performance that move the control",
    )
    words: StringProperty(name="Words", description="All that the search looks at, in small letters")

    def rig(self) -> SEMBLANCE_PG_rig:
        """The list that this control is in."""
        return self.id_data.path_resolve(self.path_from_id().rpartition(".controls[")[0])

    def is_angle(self) -> bool:
        """Its values are rad, which are shown in degrees."""
        return self.channel == "rotation_euler"

    def other_side(self) -> SEMBLANCE_PG_control | None:
        """The control on the other side; None for a central one."""
        found = None if self.pair == self.name else self.rig().controls.get(self.pair)
        return None if found == self else found

    def target(self) -> Target:
        """What carries it."""
        if self.key:
            return ShapeKey(tuple(self.meshes.split("\n")), self.key)
        if self.property:
            return CustomProperty(self.bone, self.property, self.object)
        return BoneChannel(self.bone, self.channel, self.axis)

    def control(self) -> Control:
        """As the rest of Semblance knows it."""
        return Control(
            self.name, self.target(), _short(self.minimum), _short(self.maximum), _short(self.neutral), self.group,
            self.pair or self.name, self.mirror_sign,
            {each.signal: _short(each.amount) for each in self.follows if each.signal}, **self.settings(),
        )

    def settings(self) -> dict[str, Any]:
        """What is set on it and not found on the rig, by the names of Control's fields."""
        found = {name: getattr(self, name) for name in _SETTINGS}
        return found | {name: _short(found[name]) for name in ("gain", "offset")}

    def fill(self, control: Control) -> None:
        """Take all values of `control`."""
        for name in ("name", "minimum", "maximum", "neutral", "group", "pair", "mirror_sign", *_SETTINGS):
            setattr(self, name, getattr(control, name))
        for name, value in asdict(control.target).items():
            setattr(self, name, "\n".join(value) if name == "meshes" else value)
        self.set_follows(control.meaning)

    def set_follows(self, meaning: Mapping[str, float]) -> None:
        """Follow these signals and no others."""
        self.follows.clear()
        for signal, amount in meaning.items():
            row = self.follows.add()
            row.signal, row.amount = signal, amount
        self.index_words()

    def index_words(self) -> None:
        """Remember what the search looks at: with hundreds of controls, collecting it while drawing takes too long."""
        self.words = " ".join((self.name, self.group, *(each.signal for each in self.follows))).lower()

    def mirror_follows(self) -> None:
        """Let the other side follow the same of its own side, if both sides are edited together."""
        rig, other = self.rig(), self.other_side()
        if rig.mirror and not rig.quiet and other is not None:
            with rig.quietly():
                other.set_follows({
                    _MIRRORED_SIGNALS.get(each.signal, each.signal):
                        each.amount * self.mirror_sign * (-1 if each.signal in _FLIPPED else 1)
                    for each in self.follows
                })

    def problem(self) -> str:
        """A sentence about what is wrong with it by itself; empty if nothing is."""
        in_order = self.minimum < self.maximum and self.minimum <= self.neutral <= self.maximum
        if in_order and all(each.signal in _SIGNALS for each in self.follows):
            return ""  # the common case, quickly: this is asked at every redraw
        try:
            ControlSet((replace(self.control(), pair=self.name),))
        except SemblanceError as error:
            return str(error)
        return ""


class SEMBLANCE_PG_rig(bpy.types.PropertyGroup):
    """A character with its controls: a rig of the user's own, whose name is what its preset is called, or one of ours.

    Of one of ours only the settings count; what its controls are says its profile.
    """

    root: PointerProperty(type=bpy.types.Object, name="Rig", description="The armature, or the first mesh without one")
    description: StringProperty(name="Description", description="A line about the rig")
    armature: StringProperty(name="Armature", description="The name of the armature that the list was made for")
    is_ours: BoolProperty(name="Semblance's Own", description="The character came with Semblance and is set up already")
    layout: StringProperty(name="Layout", description="The naming that was recognised")
    preset: StringProperty(name="Preset File", description="Where it was read from or saved last")
    controls: CollectionProperty(type=SEMBLANCE_PG_control, description="What can be keyed on this character")
    active: IntProperty(name="Active Control", description="The control whose details are shown")
    search: StringProperty(
        name="Search", options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
        description="Show only controls with this text in their name, their group or what they follow",
    )
    mirror: BoolProperty(
        name="Both Sides", default=True, description="An edit of a left control also changes the right one, and back",
    )
    quiet: BoolProperty(name="Quiet", options={"SKIP_SAVE"}, description="Values are set by us, not edited by the user")

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Set values without changing the other side."""
        before, self.quiet = self.quiet, True
        try:
            yield
        finally:
            self.quiet = before

    def fill(self, profile: RigProfile, root: bpy.types.Object) -> None:
        """Take all controls of `profile`."""
        self.root, self.name = root, profile.name
        self.description, self.armature, self.is_ours = profile.description, profile.armature, False
        self.controls.clear()
        self.active, self.search = 0, ""
        with self.quietly():
            for control in profile.control_set.controls:
                self.controls.add().fill(control)

    def profile(self) -> RigProfile:
        """The list as a profile.

        Raises:
            SemblanceError: naming the control whose range, neutral or meaning cannot be.
        """
        return self._profile([item.control() for item in self.controls])

    def set_on(self, profile: RigProfile) -> RigProfile:
        """`profile` of one of our characters, with what is set here on its controls."""
        listed = {item.name: item for item in self.controls}
        controls = profile.control_set.controls
        return replace(profile, control_set=ControlSet(tuple(
            replace(each, **listed[each.name].settings()) if each.name in listed else each for each in controls
        )))

    def usable(self) -> tuple[RigProfile, tuple[str, ...]]:
        """The list without controls that cannot be, such as one without a range, and a sentence for each that is on.

        Raises:
            SemblanceError: if none is left.
        """
        problems = {item.name: problem for item in self.controls if (problem := item.problem())}
        if len(problems) == len(self.controls):
            raise SemblanceError(next(iter(problems.values()), f"The list of '{self.name}' is empty."))
        sound = [item.control() for item in self.controls if item.name not in problems]
        # the other side of one that is left out stands by itself
        alone = [replace(each, pair=each.name) if each.pair in problems else each for each in sound]
        told = tuple(problems[item.name] for item in self.controls if item.enabled and item.name in problems)
        return self._profile(alone), told

    def _profile(self, controls: Sequence[Control]) -> RigProfile:
        return RigProfile(
            self.name, self.description, None, self.armature, ControlSet(tuple(controls)),
            Path(self.preset or self.name),
        )

    def enable(self, wanted: Sequence[bool]) -> None:
        """Switch each control on or off, without a thought for its other side."""
        with self.quietly():
            for item, enabled in zip(self.controls, wanted, strict=True):
                item.enabled = enabled

    def moves(self) -> bool:
        """At least one control is on and follows something."""
        return any(item.enabled and item.follows for item in self.controls)

    def active_control(self) -> SEMBLANCE_PG_control | None:
        """The control whose details are shown."""
        return self.controls[self.active] if 0 <= self.active < len(self.controls) else None

    def shown(self) -> list[bool]:
        """For each control whether the search finds it."""
        text = self.search.lower()
        return [text in item.words for item in self.controls]

    def enabled(self) -> list[bool]:
        """For each control whether it is on."""
        found = [False] * len(self.controls)
        self.controls.foreach_get("enabled", found)
        return found


def _short(value: float) -> float:
    """A float32 of Blender's as the number that was typed: 0.1, not 0.10000000149."""
    return float(f"{value:.7g}")


def find_rig(scene: bpy.types.Scene, root: bpy.types.Object | None) -> SEMBLANCE_PG_rig | None:
    """The list that `scene` has for the rig `root`."""
    return next((rig for rig in scene.semblance.rigs if root is not None and rig.root == root), None)


def keep_rig(scene: bpy.types.Scene, profile: RigProfile, root: bpy.types.Object) -> SEMBLANCE_PG_rig:
    """Fill the list for `root`, a new one if there is none; lists whose rig is gone are dropped."""
    rigs = scene.semblance.rigs
    for index in reversed(range(len(rigs))):
        if rigs[index].root is None:
            rigs.remove(index)
    rig = find_rig(scene, root) or rigs.add()
    rig.fill(profile, root)
    return rig
