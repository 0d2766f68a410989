"""The Live panel's buttons and keys: each tells the session what to do and reports one sentence."""
from __future__ import annotations

from typing import Final

import bpy
from bpy.props import EnumProperty

from ..core.errors import SemblanceError
from ..core.take import SUFFIX
from ..live.live_calibration import RANGE_S
from ..live.messages import Mark, SetNeutral
from . import live_session
from .folders import takes_folder
from .live_properties import find_cameras
from .live_recording import Recording
from .operator_kinds import Reporting
from .sidebar import redraw_sidebars

_NEUTRAL_S: Final = 1.0
_NOT_LIVE: Final = "Start Live first"


class _WhileLive(Reporting):
    """A button that needs a session in this scene."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Live goes on here."""
        session = live_session.LIVE.current
        if session is None or session.scene != context.scene:
            cls.poll_message_set(_NOT_LIVE)  # type: ignore[attr-defined]
            return False
        return True


class SEMBLANCE_OT_live_toggle(Reporting, bpy.types.Operator):
    """Let the performer's face move the ticked characters, or stop and give them back what they had"""

    bl_idname = "semblance.live_toggle"
    bl_label = "Start / Stop Live"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """Start or stop; nothing that an undo step could take back has changed then."""
        session = live_session.LIVE.current
        if session is None:
            live_session.start(context.scene)
        elif session.recording is not None and not session.ending:
            session.stop_recording()
            session.ending = True
        else:
            live_session.stop()
        redraw_sidebars(context)


class SEMBLANCE_OT_live_reopen(_WhileLive, bpy.types.Operator):
    """Open the source that is set now, or the same one again"""

    bl_idname = "semblance.live_reopen"
    bl_label = "Open Source Again"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """The worker closes the one before."""
        live_session.LIVE.required().open(context.scene)


class SEMBLANCE_OT_cameras_find(bpy.types.Operator):
    """Look which cameras are connected; none is opened"""

    bl_idname = "semblance.cameras_find"
    bl_label = "Find Cameras"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """List them."""
        found = find_cameras()
        names = ", ".join(camera.name for camera in found)
        self.report({"INFO"}, f"Found {names}" if found else "No camera is connected")
        redraw_sidebars(context)
        return {"FINISHED"}


class SEMBLANCE_OT_live_neutral(_WhileLive, bpy.types.Operator):
    """Rest your face for one second: it becomes the characters' resting face"""

    bl_idname = "semblance.live_neutral"
    bl_label = "Set Neutral"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """The worker watches."""
        live_session.LIVE.required().client.send(SetNeutral(_NEUTRAL_S))


class SEMBLANCE_OT_live_range(_WhileLive, bpy.types.Operator):
    bl_idname = "semblance.live_range"
    bl_label = "Range of Motion"
    bl_description = (
        f"Follow the sentences in the panel for {RANGE_S:.0f} seconds: the characters then go as far as your face "
        "goes. Press again to give up"
    )
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """Begin, or give up."""
        live_session.LIVE.required().take_range()


class SEMBLANCE_OT_live_record(_WhileLive, bpy.types.Operator):
    """Record a take after the countdown; press again to end it. It becomes a new Action on each ticked character"""

    bl_idname = "semblance.live_record"
    bl_label = "Record"
    bl_options = {"REGISTER"}

    what: EnumProperty(
        name="What", default="NEW", options={"SKIP_SAVE"}, description="Where the take goes",
        items=(
            ("NEW", "Record", "A new take from the current frame on"),
            ("RETAKE", "Retake", "Another take from the frame on which the last one began; the last one is kept too"),
            ("PUNCH", "Punch In", "Play only some frames of the last take again; what is around them stays"),
        ),
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What this button does now."""
        session = live_session.LIVE.current
        if session is not None and session.recording is not None:
            return "End the take and key it on each ticked character as a new Action"
        return cls.bl_rna.properties["what"].enum_items[properties.what].description

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The source runs."""
        if not super().poll(context):
            return False
        status = live_session.LIVE.required().status
        if status is None or status.state not in ("running", "lost", "stalled"):
            cls.poll_message_set("Wait until the source runs")
            return False
        return True

    def perform(self, context: bpy.types.Context) -> None:
        """Begin or end."""
        session, scene = live_session.LIVE.required(), context.scene
        if session.recording is not None:
            session.stop_recording()
        else:
            session.record(scene, _recording(context, self.what))
        redraw_sidebars(context)


class SEMBLANCE_OT_live_mark(_WhileLive, bpy.types.Operator):
    """Mark this moment of the take; it becomes a marker on the timeline"""

    bl_idname = "semblance.live_mark"
    bl_label = "Mark"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """The worker notes the time of the newest picture."""
        session = live_session.LIVE.required()
        if session.recording is None:
            raise SemblanceError("There is nothing to mark: press Record first.")
        session.client.send(Mark(context.scene.semblance_live.mark or "mark"))


class SEMBLANCE_OT_live_refine(Reporting, bpy.types.Operator):
    """Make the last take the source of the Semblance panel: change smoothing, neutral and strength there, and apply"""

    bl_idname = "semblance.live_refine"
    bl_label = "Refine Take"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        """The keys of the recording stay until Apply."""
        live, settings = context.scene.semblance_live, context.scene.semblance
        if not live.take:
            raise SemblanceError("There is no take yet; press Record first.")
        settings.source, settings.start_frame = live.take, live.take_frame
        self.report({"INFO"}, "The take is the source of the Semblance panel now; change what you like and press Apply")


class SEMBLANCE_OT_live_show(_WhileLive, bpy.types.Operator):
    """Switch the characters between the performer and their own animation, such as the take just recorded"""

    bl_idname = "semblance.live_show"
    bl_label = "Performer / Animation"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """The other of the two."""
        live = context.scene.semblance_live
        live.show = "TAKE" if live.show == "LIVE" else "LIVE"
        redraw_sidebars(context)


def _recording(context: bpy.types.Context, what: str) -> Recording:
    """As the sidebar says.

    Raises:
        SemblanceError: if there is no take to play again, or the frames are none of it.
    """
    scene, live = context.scene, context.scene.semblance_live
    start, punch = scene.frame_current, None
    if what != "NEW" and not live.take:
        raise SemblanceError("There is no take yet to play again; press Record first.")
    if what == "RETAKE":
        start = live.take_frame
    if what == "PUNCH":
        if live.punch_last <= live.punch_first or live.punch_first < live.take_frame:
            raise SemblanceError(
                f"The take begins at frame {live.take_frame}; choose frames from there on, the last after the first."
            )
        start, punch = live.punch_first, (live.punch_first, live.punch_last)
    folder = takes_folder(context)
    number = next(n for n in range(1, 100_000) if not list(folder.glob(f"take {n:02}*{SUFFIX}")))
    return Recording(folder / f"take {number:02}{SUFFIX}", start, float(live.countdown), live.play, live.beep, punch)
