"""The sidebar's part about transfer: a performance of one character carried to another, and the pose pairs for it."""
from __future__ import annotations

import bpy
from bpy.props import EnumProperty, PointerProperty, StringProperty

from ..characters.posed_pairs import pairs_text, read_pairs_text, with_pair
from ..characters.transfer import PAIRS, train
from ..characters.transfer_pairs import LEAST, PosePairs, check_poses
from .actors import keep_actor
from .apply import extend_scene
from .binding import Binding, bind
from .character_choice import is_known, known_character
from .comparison import look, remember
from .operator_kinds import Reporting
from .sidebar import Sidebar
from .transfer_action import read_action, transfer_performance
from .translations import said


def _is_known(settings: SEMBLANCE_PG_transfer, item: bpy.types.Object) -> bool:
    return is_known(item, settings.id_data)


class SEMBLANCE_PG_transfer(bpy.types.PropertyGroup):
    """From whom to whom, and what is learned from."""

    source: PointerProperty(
        type=bpy.types.Object, name="From", poll=_is_known, description="The character whose active Action is read",
    )
    target: PointerProperty(
        type=bpy.types.Object, name="To", poll=_is_known, description="The character that gets a new Action",
    )
    pairs: EnumProperty(
        name="Learn From", default="DECODERS", description="Which poses of both characters go together",
        items=(     # those that `transfer.PAIRS` has, and POSED
            ("DECODERS", "What They Mean", "The same random expressions on both, by what their controls mean"),
            ("KEY_POSES", "Key Poses", "The poses that come with both, of the same class and nearest in shape"),
            ("POSED", "My Pose Pairs", f"Poses that you set on both with Add Pose Pair; {LEAST} are enough to start"),
        ),
    )


class SEMBLANCE_OT_take_transfer(Reporting, bpy.types.Operator):
    """From one character to the other."""

    bl_idname = "semblance.take_transfer"
    bl_description = (
        "Learn in some seconds how the one character's controls move the other's, and key its performance there as a "
        "new Action. The performance itself is not touched"
    )
    bl_label = "Transfer Take"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Two characters."""
        return _two_chosen(cls, context)

    def perform(self, context: bpy.types.Context) -> None:
        """Read, learn, key, and say what to look at."""
        scene, settings = context.scene, context.scene.semblance
        source, target, notes = _bindings(context.scene)
        performance = read_action(source)
        chosen = settings.transfer.pairs
        pairs = PAIRS[chosen](source.profile, target.profile) if chosen in PAIRS else posed_pairs(source, target)
        if chosen not in PAIRS:
            check_poses(pairs, source.profile.control_set, target.profile.control_set)
        transfer = train(source.profile, target.profile, pairs)
        before = look(target)
        done = transfer_performance(performance, transfer, target, scene, settings.use_nla)
        remember(keep_actor(scene, target.root), before, done.keyed)
        if settings.use_extend:
            extend_scene(scene, done.keyed)
        for note in (*notes, *done.notes):
            self.report({"WARNING"}, said(note))
        frames = done.keyed.frames
        self.report({"INFO"}, (
            f"Keyed {done.keyed.controls} controls of {target.root.name} on frames {frames[0]} to {frames[-1]}, "
            f"confidence {done.confidence:.0%}"
        ))


class SEMBLANCE_OT_pose_pair_add(Reporting, bpy.types.Operator):
    """Remember how both characters are posed now as two poses that mean the same"""

    bl_idname = "semblance.pose_pair_add"
    bl_label = "Add Pose Pair"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="Empty: a number. A pair of the same name is replaced")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Two characters."""
        return _two_chosen(cls, context)

    def perform(self, context: bpy.types.Context) -> None:
        """Read both and keep them in the scene's text."""
        source, target, _ = _bindings(context.scene)
        pairs = posed_pairs(source, target)
        name = self.name or next(f"pose {i}" for i in range(1, len(pairs) + 2) if f"pose {i}" not in pairs.names)
        pairs = with_pair(pairs, name, source.read(), target.read())
        _keep(pairs, source, target)
        self.report({"INFO"}, said(f"Kept '{name}': {len(pairs)} pose pairs, {LEAST} are enough to start"))


class SEMBLANCE_OT_pose_pair_remove(Reporting, bpy.types.Operator):
    """Forget the last pose pair; any other can be taken out of the text in the Text Editor"""

    bl_idname = "semblance.pose_pair_remove"
    bl_label = "Remove Last Pose Pair"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A pair to forget."""
        if not _two_chosen(cls, context):
            return False
        settings = context.scene.semblance.transfer
        return _pair_count(settings) > 0

    def perform(self, context: bpy.types.Context) -> None:
        """Take it out of the scene's text."""
        source, target, _ = _bindings(context.scene)
        pairs = posed_pairs(source, target)
        kept = PosePairs(pairs.source[:-1], pairs.target[:-1], pairs.fit[:-1], pairs.names[:-1])
        _keep(kept, source, target)


class SEMBLANCE_PT_transfer(Sidebar, bpy.types.Panel):
    """From one character to another."""

    bl_label = "Transfer"
    bl_parent_id = "SEMBLANCE_PT_performance"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Who, whom, from what; the pose pairs; the button."""
        layout, settings = self.layout, context.scene.semblance.transfer
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        column.prop(settings, "source")
        column.prop(settings, "target")
        layout.prop(settings, "pairs")
        if settings.pairs == "POSED":
            row = layout.row(align=True)
            row.operator(SEMBLANCE_OT_pose_pair_add.bl_idname, icon="ADD")
            row.operator(SEMBLANCE_OT_pose_pair_remove.bl_idname, text="", icon="REMOVE")
            count = _pair_count(settings)
            text = f"{count} pose pairs" if count >= LEAST else f"{count} of at least {LEAST} pose pairs"
            layout.label(text=text, icon="CHECKMARK" if count >= LEAST else "INFO")
        row = layout.row()
        row.scale_y = 1.4
        row.operator(SEMBLANCE_OT_take_transfer.bl_idname, icon="ARROW_LEFTRIGHT")


def posed_pairs(source: Binding, target: Binding) -> PosePairs:
    """The pairs that the file keeps for these two characters; none if it keeps none.

    Raises:
        SemblanceError: if somebody has edited the text and it is wrong.
    """
    name = _text_name(source.root, target.root)
    text = bpy.data.texts.get(name)
    return read_pairs_text(text.as_string() if text else "", source.profile, target.profile, name)


def _keep(pairs: PosePairs, source: Binding, target: Binding) -> None:
    name = _text_name(source.root, target.root)
    text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
    text.from_string(pairs_text(pairs, source.profile, target.profile))


def _text_name(source: bpy.types.Object, target: bpy.types.Object) -> str:
    # Before Blender 5 names end after 63 bytes.
    return f"Pose Pairs {source.name} to {target.name}".encode()[:63].decode(errors="ignore")


def _pair_count(settings: SEMBLANCE_PG_transfer) -> int:
    """How many pairs the text has, quick enough for drawing."""
    both = settings.source is not None and settings.target is not None
    text = bpy.data.texts.get(_text_name(settings.source, settings.target)) if both else None
    return sum(line.body.strip() == "[[pair]]" for line in text.lines) if text else 0


def _bindings(scene: bpy.types.Scene) -> tuple[Binding, Binding, tuple[str, ...]]:
    """Both characters, and sentences about controls that are left out.

    Raises:
        SemblanceError: if one is not set up, or both are the same.
    """
    settings = scene.semblance.transfer
    bindings: list[Binding] = []
    notes: list[str] = []
    for root in (settings.source, settings.target):
        chosen, profile, left_out = known_character(root, scene)
        bindings.append(bind(profile, scene, chosen))
        notes += left_out
    return bindings[0], bindings[1], tuple(notes)


def _two_chosen(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    settings = context.scene.semblance.transfer
    if settings.source is None or settings.target is None:
        operator.poll_message_set("Choose from which character to which")
    elif settings.source == settings.target:
        operator.poll_message_set("Choose two different characters")
    else:
        return True
    return False
