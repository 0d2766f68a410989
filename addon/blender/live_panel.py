"""The sidebar's Live panel; drawing asks the session and reads no files."""
from __future__ import annotations

from typing import Final

import bpy

from . import live_keys, live_picture, live_session
from .actors import cast_roots
from .character_choice import shown_character
from .first_run import is_new
from .live_operators import (
    SEMBLANCE_OT_cameras_find,
    SEMBLANCE_OT_live_mark,
    SEMBLANCE_OT_live_neutral,
    SEMBLANCE_OT_live_range,
    SEMBLANCE_OT_live_record,
    SEMBLANCE_OT_live_refine,
    SEMBLANCE_OT_live_reopen,
    SEMBLANCE_OT_live_toggle,
)
from .live_session import Session
from .panels import SEMBLANCE_PT_cast
from .sentences import draw_sentence
from .sidebar import Sidebar
from .translations import OURS, said

_UNIT_PX: Final = 20
"""A unit of icons at scale 1."""
_METERS: Final = 0.6
"""Of a line, what rate and latency take; the rest is how sure the face is."""
_NAMES: Final = 0.34
"""Of a line, what a character's name takes; the rest is whom it follows."""
_STATES: Final = {
    "idle": ("PAUSE", "No source is open."), "opening": ("SORTTIME", "Opening the source ..."),
    "running": ("RADIOBUT_ON", "Live"), "lost": ("HIDE_ON", "No face is seen."),
    "stalled": ("ERROR", "The source is silent."), "failed": ("ERROR", "The source cannot be used."),
}
_HINTS: Final = {
    "LIVELINK": "In Live Link Face on the iPhone, add this computer's address and this port as a target.",
    "IFACIALMOCAP": "Start the app on the phone and write its address here; both must be in one network.",
    "VMC": "Let the other tracker send VMC to this computer at this port.",
    "OSC": "Let the other program send its coefficients to this computer at this port.",
}


class SEMBLANCE_PT_live(Sidebar, bpy.types.Panel):
    """A performer's face moves the characters while one watches."""

    bl_label = "Live"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not beside the welcome."""
        return not is_new(context)

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """A red dot while a take is recorded, also on the closed panel."""
        session = live_session.LIVE.current
        if session is not None:
            self.layout.label(text="", icon="RECORD_ON" if session.recording is not None else "RADIOBUT_ON")

    def draw(self, context: bpy.types.Context) -> None:
        """Source and Start; or the picture, how it goes, and Record."""
        layout, session = self.layout, live_session.LIVE.current
        if session is None:
            _draw_source(layout, context)
            _draw_toggle(layout, context, "Start Live", "PLAY")
            if live_session.LIVE.farewell:
                draw_sentence(layout, context, live_session.LIVE.farewell, "ERROR")
            return
        _draw_state(layout, context, session)
        _draw_cast(layout, context)
        _draw_recording(layout, context, session)
        _draw_toggle(layout, context, "Stop Live", "SNAP_FACE")


class SEMBLANCE_PT_live_source(Sidebar, bpy.types.Panel):
    """While live: another source."""

    bl_label = "Source"
    bl_parent_id = "SEMBLANCE_PT_live"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Before Start the source is seen without it."""
        return live_session.LIVE.current is not None

    def draw(self, context: bpy.types.Context) -> None:
        """As before Start, and the button that takes it."""
        _draw_source(self.layout, context)
        session = live_session.LIVE.current
        same = session is not None and context.scene.semblance_live.open() == session.opened
        self.layout.operator(
            SEMBLANCE_OT_live_reopen.bl_idname, text="Open Again" if same else "Use This Source", icon="FILE_REFRESH",
        )


class SEMBLANCE_PT_live_cast(Sidebar, bpy.types.Panel):
    """Several characters: each with its own face, or taking over what another one plays."""

    bl_label = "Characters"
    bl_translation_context = OURS
    bl_parent_id = "SEMBLANCE_PT_live"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """More than one is ticked."""
        return sum(actor.use for actor in context.scene.semblance.actors) > 1

    def draw(self, context: bpy.types.Context) -> None:
        """A line for each."""
        column = self.layout.column(align=True)
        for actor in context.scene.semblance.actors:
            if actor.use and actor.root is not None:
                row = column.split(factor=_NAMES, align=True)
                row.label(text=actor.root.name, icon="ARMATURE_DATA")
                row.prop(actor, "leader", text="", placeholder="Follows")
                if actor.leader is None:
                    column.prop(actor, "face", text=said(f"Face of {actor.root.name}"))
                column.separator(factor=0.5)


class SEMBLANCE_PT_live_performer(Sidebar, bpy.types.Panel):
    """Calibration of one performer."""

    bl_label = "Performer"
    bl_parent_id = "SEMBLANCE_PT_live"

    def draw(self, context: bpy.types.Context) -> None:
        """The name, one button, and the optional guided range."""
        layout, live, session = self.layout, context.scene.semblance_live, live_session.LIVE.current
        row = layout.row()
        row.prop(live, "performer", text="", icon="USER", placeholder="Name (keeps the calibration)")
        status = session.status if session is not None else None
        guide = session.guide() if session is not None else None
        taking = status is not None and status.neutral == "taking" and guide is None
        row = layout.row(align=True)
        row.scale_y = 1.2
        done = status is not None and status.neutral == "set"
        row.operator(
            SEMBLANCE_OT_live_neutral.bl_idname, icon="CHECKMARK" if done else "USER",
            text="Rest Your Face ..." if taking else "Set Neutral", depress=taking,
        )
        text = "Stop" if guide else "Range of Motion"
        row.operator(SEMBLANCE_OT_live_range.bl_idname, text=text, depress=guide is not None)
        if guide is not None:
            sentence, share = guide
            layout.progress(factor=share, text="Follow the sentences")
            draw_sentence(layout, context, sentence, "INFO")


class SEMBLANCE_PT_live_face(Sidebar, bpy.types.Panel):
    """What of the face counts."""

    bl_label = "Parts of the Face"
    bl_parent_id = "SEMBLANCE_PT_live"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Parts that are off are left to the animator."""
        layout, live = self.layout, context.scene.semblance_live
        grid = layout.grid_flow(row_major=True, columns=3, even_columns=True, align=True)
        for name in ("brows", "eyelids", "gaze", "cheeks", "mouth", "jaw", "head"):
            grid.prop(live, name, toggle=True)
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(live, "smoothing")
        column.prop(live, "when_lost")


class SEMBLANCE_PT_live_recording(Sidebar, bpy.types.Panel):
    """How takes are recorded."""

    bl_label = "Recording"
    bl_parent_id = "SEMBLANCE_PT_live"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Countdown, timeline and cue; the part that is played again; markers."""
        layout, live = self.layout, context.scene.semblance_live
        layout.use_property_split, layout.use_property_decorate = True, False
        layout.prop(live, "countdown")
        column = layout.column(heading="While Recording")
        column.prop(live, "play")
        column.prop(live, "beep")
        layout.prop(live, "mark")
        column = layout.column(align=True)
        column.prop(live, "punch_first", text="Punch In  From")
        column.prop(live, "punch_last")
        column.operator(SEMBLANCE_OT_live_record.bl_idname, text="Punch In", icon="RECORD_OFF").what = "PUNCH"
        if live.take:
            layout.operator(SEMBLANCE_OT_live_refine.bl_idname, icon="MODIFIER")


class SEMBLANCE_PT_live_keys(Sidebar, bpy.types.Panel):
    """Keyboard shortcuts."""

    bl_label = "Shortcuts"
    bl_parent_id = "SEMBLANCE_PT_live"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """As they are set."""
        for label, keys in live_keys.shortcuts():
            row = self.layout.row()
            row.label(text=label)
            row.label(text=keys)


def _draw_toggle(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str) -> None:
    row = layout.row()
    row.scale_y = 1.4
    row.operator(SEMBLANCE_OT_live_toggle.bl_idname, text=text, icon=icon)


def _draw_source(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    live = context.scene.semblance_live
    column = layout.column()
    column.prop(live, "kind", text="")
    if live.kind == "CAMERA":
        row = column.row(align=True)
        row.prop(live, "camera", text="")
        row.operator(SEMBLANCE_OT_cameras_find.bl_idname, text="", icon="FILE_REFRESH")
        row = column.row(align=True)
        row.prop(live, "size", text="")
        row.prop(live, "rate", text="Rate" if live.rate else "Own Rate")
    elif live.kind == "STREAM":
        column.prop(live, "stream", text="")
    elif live.kind == "VIDEO":
        row = column.row(align=True)
        row.prop(live, "video", text="", placeholder="Choose a video")
        row.prop(live, "loop", text="", icon="FILE_REFRESH")
    elif live.kind == "IFACIALMOCAP":
        column.prop(live, "phone", text="", placeholder="192.168.1.20")
    else:
        column.prop(live, live.port_name())
        column.prop(live, "from_network")
    if live.kind in _HINTS:
        draw_sentence(column, context, _HINTS[live.kind])
    column.prop(live, "mirror")


def _draw_state(layout: bpy.types.UILayout, context: bpy.types.Context, session: Session) -> None:
    """The picture, three meters, and in words how it goes."""
    status, icon = session.status, live_picture.icon()
    if icon and session.shows_picture():
        width = context.region.width / context.preferences.system.ui_scale
        layout.template_icon(icon, scale=max(min(width - 60, 300) / _UNIT_PX, 5))
    if status is None:
        layout.label(text="Starting ...", icon="SORTTIME")
        return
    mark, words = _STATES[status.state]
    if status.state in ("running", "lost"):
        row = layout.split(factor=_METERS, align=True)
        numbers = row.row(align=True)
        numbers.label(text=f"{status.fps:.0f} fps", icon=mark)
        numbers.label(text=f"{session.latency_ms or status.latency_ms:.0f} ms")
        row.progress(factor=min(max(status.confidence, 0.0), 1.0), text=said(f"Face {status.confidence:.0%}"))
    if (status.sentence or status.state != "running") and session.guide() is None:
        draw_sentence(layout, context, status.sentence or words, "INFO" if status.state == "running" else mark)
    for sentence in filter(None, (session.cast_problem, session.problem)):
        draw_sentence(layout, context, sentence, "ERROR")
    if status.state == "failed":
        layout.operator(SEMBLANCE_OT_live_reopen.bl_idname, text="Try Again", icon="FILE_REFRESH")


def _draw_cast(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Who is moved."""
    scene = context.scene
    roots = cast_roots(scene)
    shown = shown_character(scene)
    roots = roots or ([shown] if shown is not None else [])
    if not roots:
        row = layout.row(align=True)
        row.label(text="Nobody to move yet", icon="ERROR")
        row.popover(SEMBLANCE_PT_cast.__name__, text="Add Character", icon="ADD")
        return
    layout.label(text=", ".join(root.name for root in roots), icon="ARMATURE_DATA")


def _draw_recording(layout: bpy.types.UILayout, context: bpy.types.Context, session: Session) -> None:
    """Performer or take, Record and Retake, or how far the recording is."""
    scene, live, recording = context.scene, context.scene.semblance_live, session.recording
    column = layout.column(align=True)
    if recording is None:
        row = column.row(align=True)
        row.prop(live, "show", expand=True)
        row = column.row(align=True)
        row.scale_y = 1.4
        text = f"Record at {'' if live.take else 'Frame '}{scene.frame_current}"
        row.operator(SEMBLANCE_OT_live_record.bl_idname, text=text, icon="RECORD_OFF").what = "NEW"
        if live.take:
            row.operator(SEMBLANCE_OT_live_record.bl_idname, text="Retake", icon="LOOP_BACK").what = "RETAKE"
        if session.news:
            draw_sentence(layout, context, session.news, "CHECKMARK")
        return
    row = column.row(align=True)
    row.scale_y = 1.4
    row.alert = True
    if recording.stopped:
        row.label(text="Writing the take ...", icon="SORTTIME")
    elif recording.left_s > 0:
        text = f"Recording in {recording.left_s:.0f} ..."
        row.operator(SEMBLANCE_OT_live_record.bl_idname, text=text, icon="RECORD_ON")
    else:
        stop = said(f"Stop  {recording.recorded_s:.1f} s")
        row.operator(SEMBLANCE_OT_live_record.bl_idname, text=stop, icon="RECORD_ON")
        row.operator(SEMBLANCE_OT_live_mark.bl_idname, text="", icon="MARKER_HLT")
