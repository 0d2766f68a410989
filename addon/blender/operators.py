"""The sidebar's buttons for performances: each gathers arguments, calls a plain function and reports one sentence."""
from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import bpy

from ..core.errors import SemblanceError
from ..core.take import SUFFIX, Take
from ..live.performance import record_take, refine
from . import readiness, tracking_job
from .actors import find_actor, keep_actor
from .apply import Applied, apply_take, extend_scene, key_each, take_name, told
from .binding import bind, refuse_linked
from .character_choice import cast_characters, find_cast, known_character, shown_character
from .comparison import can_swap, remember, swap
from .folders import ROOT_PACKAGE, takes_folder
from .keying import Placement, scene_rate
from .operator_kinds import BesideWindow, Cancelling, Reporting
from .sidebar import redraw_sidebars
from .translations import said


class SEMBLANCE_OT_take_track(BesideWindow, bpy.types.Operator):
    """Follow the face through the source and keep the performance. Blender stays free meanwhile; Esc stops it"""

    bl_idname = "semblance.take_track"
    bl_label = "Track"
    bl_options = {"REGISTER", "UNDO"}
    job = tracking_job

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something to track, and nothing being tracked."""
        settings = context.scene.semblance
        if tracking_job.current() is not None:
            cls.poll_message_set("A source is being tracked already")
        elif not settings.source:
            cls.poll_message_set("Choose a video, a folder of pictures or a Live Link file first")
        elif settings.is_performance:
            cls.poll_message_set("This is a performance already: Apply uses it as it is")
        else:
            return True
        return False

    def start(self, context: bpy.types.Context) -> None:
        """Follow the source into a new take."""
        settings = context.scene.semblance
        source = settings.source if "://" in settings.source else bpy.path.abspath(settings.source)
        if "://" not in source and not Path(source).exists():
            raise SemblanceError(f"There is no '{source}'; choose another source.")
        take = free_path(takes_folder(context), take_name(source))
        command = tracking_job.track_command(source, take, settings.box(), settings.use_drawn, settings.use_body)
        tracking_job.start(command, take)
        self._scene = context.scene.name

    def finish(self, context: bpy.types.Context, state: tracking_job.State) -> str:
        """Let the scene use the take."""
        scene = bpy.data.scenes.get(self._scene)
        if scene is None:
            raise SemblanceError("The scene that was being tracked for is gone.")
        scene.semblance.take, scene.semblance.found = str(state.take), state.found
        return f"Tracked {state.done} frames into {Path(scene.semblance.take).name}"


class SEMBLANCE_OT_take_cancel(Cancelling, bpy.types.Operator):
    """Stop tracking; nothing is kept (Esc does the same)"""

    bl_idname = "semblance.take_cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}
    job = tracking_job


class SEMBLANCE_OT_take_apply(Reporting, bpy.types.Operator):
    """Key the performance on each ticked character as a new Action. What was animated before stays in its own Action"""

    bl_idname = "semblance.take_apply"
    bl_label = "Apply"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A performance to apply."""
        if context.scene.semblance.performance() is None:
            cls.poll_message_set("Track the source first, or choose a .take or Live Link .csv")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> None:
        """Tell who was keyed; one character's trouble does not keep the others from their keys."""
        keyed, failed = key_cast(context.scene)
        for sentence in dict.fromkeys((*failed, *(note for applied in keyed for note in applied.notes))):
            self.report({"WARNING"}, said(sentence))
        frames = keyed[0].keyed.frames
        self.report({"INFO"}, said(f"Keyed {told(keyed)} on frames {frames[0]} to {frames[-1]}"))


class SEMBLANCE_OT_take_compare(Reporting, bpy.types.Operator):
    """Switch between the new keys and what was on the character before Apply; nothing is lost, press again for it"""

    bl_idname = "semblance.take_compare"
    bl_label = "Before / After"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Something was applied."""
        actor = find_actor(context.scene, shown_character(context.scene))
        if actor is None or not can_swap(actor):
            cls.poll_message_set("Apply a performance first")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> None:
        """The shown character, and with it all ticked ones that show the same side."""
        scene = context.scene
        root = shown_character(scene)
        shown = find_actor(scene, root)
        if shown is None:
            raise SemblanceError("Apply a performance first.")
        together = [
            (actor, bind(known_character(actor.root, scene)[1], scene, actor.root)) for actor in scene.semblance.actors
            if actor.root is not None and (actor.root == root or actor.use)
            and can_swap(actor) and actor.shows_new == shown.shows_new
        ]
        for actor, binding in together:
            swap(actor, binding)
        scene.frame_set(scene.frame_current)


class SEMBLANCE_OT_cast_find(Reporting, bpy.types.Operator):
    """List all characters of the scene, to key several at once"""

    bl_idname = "semblance.cast_find"
    bl_label = "Find Characters"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        """Look through the scene."""
        find_cast(context.scene)
        count = len(context.scene.semblance.actors)
        self.report({"INFO"}, said(f"Characters of the scene that Semblance knows: {count}"))


class SEMBLANCE_OT_neutral_set(bpy.types.Operator):
    """Make the performer's face at the current frame the resting face; Apply again to see it"""

    bl_idname = "semblance.neutral_set"
    bl_label = "Neutral from Current Frame"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remember the time in the take."""
        scene, settings = context.scene, context.scene.semblance
        settings.neutral = "FRAME"
        settings.neutral_s = max(scene.frame_current - settings.start_frame, 0) / scene_rate(scene)
        return {"FINISHED"}


class SEMBLANCE_OT_readiness_check(bpy.types.Operator):
    """Look again for wheels, networks and characters, and for cameras, serial ports and graphics cards"""

    bl_idname = "semblance.readiness_check"
    bl_label = "Check Again"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Check and redraw."""
        readiness.refresh()
        readiness.look_for_devices()
        redraw_sidebars(context)
        return {"FINISHED"}


class SEMBLANCE_OT_preferences_show(bpy.types.Operator):
    """Open Semblance's preferences, where every part and its state are listed"""

    bl_idname = "semblance.preferences_show"
    bl_label = "Preferences"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Blender's own way to an add-on's preferences."""
        return bpy.ops.preferences.addon_show(module=ROOT_PACKAGE)


def key_cast(scene: bpy.types.Scene) -> tuple[list[Applied], list[str]]:
    """Open the performance of the sidebar, calibrate, decode and key it on all ticked characters; see `key_each`.

    Raises:
        SemblanceError: if the performance cannot be used, or nobody got keys.
    """
    settings = scene.semblance
    path, roots = settings.performance(), cast_characters(scene)
    take = record_take(str(path))
    take = refine(take, settings.calibration(take.raw), settings.smoothing())
    name = take_name(path.name)
    return key_each(
        (root.name, partial(key_character, scene, root, take, name, settings.placement())) for root in roots
    )


def key_character(
    scene: bpy.types.Scene, root: bpy.types.Object, take: Take, name: str, placement: Placement
) -> Applied:
    """Let one character of the scene play the take in its own style, and remember what was on it.

    Raises:
        SemblanceError: as `apply_take`.
    """
    settings = scene.semblance
    root, profile, left_out = known_character(root, scene)
    refuse_linked(root)
    actor = keep_actor(scene, root)
    named = f"{name} {root.name}" if len(settings.actors) > 1 else name
    applied = apply_take(take, profile, scene, named, placement, root, actor.style(), actor.mirror)
    remember(actor, applied.before, applied.keyed)
    if settings.use_extend:
        extend_scene(scene, applied.keyed)
    return replace(applied, notes=(*left_out, *applied.notes))


def free_path(folder: Path, name: str) -> Path:
    """`folder`/name.take, numbered if that is there: clips of the same name must not cost each other their takes."""
    names = (name, *(f"{name}-{number}" for number in range(2, 10_000)))
    return next(path for each in names if not (path := folder / f"{each}{SUFFIX}").exists())
