"""The first minute: one button that shows the whole way in a scene of its own, and the way back from there."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import bpy
from mathutils import Euler, Quaternion, Vector

from ..core.errors import SemblanceError, required
from ..core.paths import DEMO_CLIP
from ..core.rig_profile import find_profile
from . import readiness, tracking_job
from .apply import add_character
from .folders import own_takes_folder, preferences
from .operator_kinds import BesideWindow, failure
from .operators import SEMBLANCE_OT_preferences_show, SEMBLANCE_OT_take_cancel, key_cast
from .sentences import draw_sentence
from .sidebar import Sidebar, draw_progress, redraw_sidebars

_CHARACTER: Final = "Pip"
_SCENE: Final = "Semblance: Try It"
_CLIP_FPS: Final = 25
# Pip's face and the sliders to its left, beside the sidebar.
_LOOK_AT: Final = (0.8, 0.0, -0.1)
_DISTANCE: Final = 6.6
_WHAT: Final = (
    "A face on video moves a character. Try It shows how: Pip comes into a scene of its own, follows the clip that "
    "comes with Semblance, and plays. It takes some seconds; your own scene stays as it is."
)


@dataclass(frozen=True)
class _View:
    """How a 3D view looks at things; what Try It changes of it."""

    rotation: Quaternion
    location: Vector
    distance: float
    perspective: str
    shading: str
    color: str


_view: _View | None = None
"""The user's, while he looks at what Try It shows."""


class SEMBLANCE_OT_try_it(BesideWindow, bpy.types.Operator):
    """Let Pip play the clip that comes with Semblance, in a scene of its own. Yours stays as it is; Esc stops it"""

    bl_idname = "semblance.try_it"
    bl_label = "Try It"
    bl_options = {"REGISTER", "UNDO"}
    job = tracking_job

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Everything is here, and nothing is being tracked."""
        if tracking_job.current() is not None:
            cls.poll_message_set("A source is being tracked already")
        elif readiness.current().problems:
            cls.poll_message_set("A part of Semblance is missing; the preferences say which")
        else:
            return True
        return False

    def start(self, context: bpy.types.Context) -> None:
        """A scene with Pip, shown; and the child that tracks."""
        self._scene = ""
        if not DEMO_CLIP.is_file():
            raise SemblanceError(f"The clip '{DEMO_CLIP}' is missing; install Semblance again.")
        scene = _trial_scene(context.scene)
        self._scene = scene.name
        if not is_trial(context.scene):
            _remember_view(context)
        scene.semblance.character = add_character(find_profile(_CHARACTER), scene)
        take = own_takes_folder() / "Try It.take"
        tracking_job.start(tracking_job.track_command(str(DEMO_CLIP), take), take)
        _show(context, scene)
        _look_at_face(context)

    def finish(self, context: bpy.types.Context, state: tracking_job.State) -> str:
        """Key Pip and play."""
        scene = required(bpy.data.scenes.get(self._scene), "The scene of Try It is gone; press Try It again.")
        scene.semblance.take = str(state.take)
        _show(context, scene)
        key_cast(scene)
        be_known(context)
        if context.screen is not None and not context.screen.is_animation_playing:
            bpy.ops.screen.animation_play()
        return f"{_CHARACTER} plays {state.done} frames in a scene of its own; Back to My Scene ends it"

    def abandon(self, context: bpy.types.Context) -> None:
        """Nothing of it stays."""
        scene = bpy.data.scenes.get(self._scene)
        if scene is not None:
            leave(context, scene)


class SEMBLANCE_OT_try_it_leave(bpy.types.Operator):
    """Remove what Try It has made and go back to the scene that was open before"""

    bl_idname = "semblance.try_it_leave"
    bl_label = "Back to My Scene"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """In the scene of Try It, and not in the middle of it."""
        if not is_trial(context.scene):
            cls.poll_message_set("This scene is not that of Try It")
        elif tracking_job.current() is not None:
            cls.poll_message_set("The clip is being tracked; Esc stops it")
        else:
            return True
        return False

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop playing first."""
        if context.screen is not None and context.screen.is_animation_playing:
            bpy.ops.screen.animation_cancel(restore_frame=False)
        leave(context, context.scene)
        return {"FINISHED"}


class SEMBLANCE_OT_welcome_skip(bpy.types.Operator):
    """Show all panels. Try It stays in the menu at the top of the panel and in the preferences"""

    bl_idname = "semblance.welcome_skip"
    bl_label = "Skip"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Once for this user."""
        be_known(context)
        redraw_sidebars(context)
        return {"FINISHED"}


class SEMBLANCE_MT_help(bpy.types.Menu):
    """What is rarely needed, beside the line that says whether everything is here."""

    bl_label = "Help"

    def draw(self, context: bpy.types.Context) -> None:
        """Try It again; the preferences."""
        self.layout.operator(SEMBLANCE_OT_try_it.bl_idname, icon="PLAY")
        self.layout.operator(SEMBLANCE_OT_preferences_show.bl_idname, icon="PREFERENCES")


class SEMBLANCE_PT_welcome(Sidebar, bpy.types.Panel):
    """All that a new user sees: one button."""

    bl_label = "Semblance"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Until the button was used, or the user has begun without it."""
        return is_new(context)

    def draw(self, context: bpy.types.Context) -> None:
        """What it is, the button, or what is missing."""
        layout, found = self.layout, readiness.current()
        draw_sentence(layout, context, _WHAT)
        for problem in found.problems:
            draw_sentence(layout, context, f"{problem}.", "ERROR")
        if tracking_job.current() is not None:
            draw_trial(layout)
            return
        if sentence := failure(tracking_job):
            draw_sentence(layout, context, sentence, "ERROR")
        row = layout.row()
        row.scale_y = 2.2
        row.operator(SEMBLANCE_OT_try_it.bl_idname, icon="PLAY")
        if found.problems:
            layout.operator(SEMBLANCE_OT_preferences_show.bl_idname, icon="PREFERENCES")
        layout.operator(SEMBLANCE_OT_welcome_skip.bl_idname, emboss=False)


def is_new(context: bpy.types.Context) -> bool:
    """Nobody has used Semblance here: not this user, and nothing of it is in this scene."""
    kept, settings = preferences(context), context.scene.semblance
    return kept is not None and not (kept.is_known or settings.actors or settings.source or settings.character)


def be_known(context: bpy.types.Context) -> None:
    """The welcome is over for this user."""
    kept = preferences(context)
    if kept is not None and not kept.is_known:
        kept.is_known = True
        context.preferences.is_dirty = True


def is_trial(scene: bpy.types.Scene) -> bool:
    """The scene was made by Try It."""
    return bool(scene.semblance.home)


def draw_trial(layout: bpy.types.UILayout) -> None:
    """How far it is, or the way back."""
    if tracking_job.current() is not None:
        state = tracking_job.state()
        done = f"{state.done} of {state.total} frames"
        draw_progress(layout, state, done, SEMBLANCE_OT_take_cancel.bl_idname)
    else:
        layout.operator(SEMBLANCE_OT_try_it_leave.bl_idname, icon="LOOP_BACK")


def leave(context: bpy.types.Context, trial: bpy.types.Scene) -> None:
    """Remove the scene of Try It with all that nothing else uses, and show the user's as it was seen."""
    home = bpy.data.scenes.get(trial.semblance.home)
    home = home or next((scene for scene in bpy.data.scenes if scene != trial), None) or bpy.data.scenes.new("Scene")
    _show(context, home)
    unused = {item for item in bpy.data.user_map() if item.users == 0}
    bpy.data.batch_remove([item for item in trial.objects if len(item.users_scene) == 1])
    bpy.data.scenes.remove(trial)
    while left := {item for item in bpy.data.user_map() if item.users == 0} - unused:
        bpy.data.batch_remove(left)
    _look_as_before(context)


def _trial_scene(home: bpy.types.Scene) -> bpy.types.Scene:
    """Empty, at the clip's rate, quick to play; a trial of a trial leads to where the first came from."""
    scene = bpy.data.scenes.new(_SCENE)
    scene.render.fps, scene.render.fps_base = _CLIP_FPS, 1
    scene.frame_start = scene.frame_end = 1     # Apply extends it to the clip's last frame
    scene.sync_mode = "FRAME_DROP"
    scene.render.use_simplify, scene.render.simplify_subdivision = True, 1
    scene.semblance.source = str(DEMO_CLIP)
    scene.semblance.home = home.semblance.home or home.name
    return scene


def _show(context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    if context.window is not None:
        context.window.scene = scene


def _space(context: bpy.types.Context) -> bpy.types.SpaceView3D | None:
    """The 3D view whose button was pressed; else any."""
    areas = [context.area, *(context.screen.areas if context.screen is not None else ())]
    return next((area.spaces.active for area in areas if area is not None and area.type == "VIEW_3D"), None)


def _remember_view(context: bpy.types.Context) -> None:
    global _view
    space = _space(context)
    if space is not None and space.region_3d is not None:
        region, shading = space.region_3d, space.shading
        _view = _View(region.view_rotation.copy(), region.view_location.copy(), region.view_distance,
                      region.view_perspective, shading.type, shading.color_type)


def _look_at_face(context: bpy.types.Context) -> None:
    """From the front, in the materials' colours, which every computer shows at once."""
    space = _space(context)
    if space is not None and space.region_3d is not None:
        region, shading = space.region_3d, space.shading
        region.view_perspective = "PERSP"
        region.view_rotation = Euler((1.5707963, 0, 0)).to_quaternion()
        region.view_location, region.view_distance = _LOOK_AT, _DISTANCE
        shading.type, shading.color_type = "SOLID", "MATERIAL"


def _look_as_before(context: bpy.types.Context) -> None:
    global _view
    space, before, _view = _space(context), _view, None
    if before is not None and space is not None and space.region_3d is not None:
        region, shading = space.region_3d, space.shading
        region.view_rotation, region.view_location = before.rotation, before.location
        region.view_distance, region.view_perspective = before.distance, before.perspective
        shading.type, shading.color_type = before.shading, before.color
