"""The sidebar's Robot panel; drawing asks the session and reads no files."""
from __future__ import annotations

import functools
from math import isfinite
from pathlib import Path
from typing import Final

import bpy
import numpy as np

from ..robot.calibrating import MARKS
from ..robot.links import BY_NETWORK
from . import live_session, robot_keys, robot_session
from .first_run import is_new
from .robot_calibration import SEMBLANCE_OT_robot_mark, SEMBLANCE_OT_robot_step, SEMBLANCE_OT_robot_unit_save
from .robot_operators import (
    SEMBLANCE_OT_robot_arm,
    SEMBLANCE_OT_robot_connect,
    SEMBLANCE_OT_robot_design,
    SEMBLANCE_OT_robot_design_open,
    SEMBLANCE_OT_robot_disconnect,
    SEMBLANCE_OT_robot_live,
    SEMBLANCE_OT_robot_log,
    SEMBLANCE_OT_robot_play,
    SEMBLANCE_OT_robot_port,
    SEMBLANCE_OT_robot_rest,
    SEMBLANCE_OT_robot_stop,
    SEMBLANCE_OT_robot_twin,
    SEMBLANCE_OT_robot_unit,
)
from .robot_session import Session
from .sentences import draw_sentence
from .sidebar import Sidebar
from .translations import said

STATES: Final = {
    "CONNECTING": ("SORTTIME", "Connecting ...", "Opens the head; nothing moves."),
    "DISCONNECTED": ("UNLINKED", "Disconnected", "The head is not reached."),
    "LIMP": ("PAUSE", "Limp", "The motors are off."),
    "ARMING": ("PLAY", "Waking", "Moves slowly to where it should be."),
    "LIVE": ("RADIOBUT_ON", "Moves", "Follows what it is told."),
    "HOLD": ("PAUSE", "Holds Still", "Nothing new has come for a moment; the motors hold."),
    "RESTING": ("SORT_ASC", "Goes to Rest", "Eases to its neutral face."),
    "STOPPED": ("CANCEL", "Stopped", "The motors are off and stay off until you arm it again."),
}
"""State → icon, a word, what it means for whoever stands beside the head."""
_PLAYING: Final = {"live": "the live performer", "clip": "the performance", "jog": "the calibration"}
_METERS: Final = ("Want", "Shape", "Sent", "Read")
_NAME_SHARE: Final = 0.46
_BESIDE_NAMES_PX: Final = 98
"""Of a sidebar that are no list: tabs, edges, the list's scroll bar, the margin of a label."""
_LETTER_PX: Final = 6.5
_LEAST_LETTERS: Final = 3
_BOX_PX: Final = 24
_HANGS: Final = "The robot process does not answer; if the head moves, use the switch of its supply."
_SHOWN_ROWS: Final = 6


class SEMBLANCE_PT_robot(Sidebar, bpy.types.Panel):
    """A robot head does what the characters do."""

    bl_label = "Robot"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not beside the welcome."""
        return not is_new(context)

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Its state is seen on the closed panel too."""
        session = robot_session.HEAD.current
        if session is not None:
            row = self.layout.row()
            row.alert = session.energised or session.state == "STOPPED"
            row.label(text=STATES[session.state][1], icon=STATES[session.state][0])

    def draw(self, context: bpy.types.Context) -> None:
        """Which head, and Connect; or Stop, how it goes, Arm, and what it follows."""
        layout, session = self.layout, robot_session.HEAD.current
        if session is None:
            _draw_choice(layout, context)
            return
        _draw_stop(layout, session)
        _draw_state(layout, context, session)
        if session.calibration is not None:
            _draw_calibration(layout, context, session)
        else:
            _draw_sources(layout, context, session)
        layout.operator(SEMBLANCE_OT_robot_disconnect.bl_idname, icon="UNLINKED")


class SEMBLANCE_UL_robot_meters(bpy.types.UIList):
    """One line for each actuator: its name, and four bars from -1 over neutral in the middle to 1."""

    columns: tuple[list[float], ...] = ()
    """The four values of all actuators; set once for all lines, because this is drawn all the time."""
    letters: int = 0
    """That a name has room for."""

    def draw_item(
        self, context: bpy.types.Context, layout: bpy.types.UILayout, view: bpy.types.PropertyGroup,
        item: bpy.types.PropertyGroup, icon: int, active_data: bpy.types.PropertyGroup, active_property: str,
        index: int = 0, flt_flag: int = 0,
    ) -> None:
        """Only the visible lines are drawn."""
        line = layout.split(factor=_NAME_SHARE, align=True)
        line.label(text=shortened(item.name, self.letters))
        bars = line.row(align=True)
        for column in self.columns:
            value = column[index] if index < len(column) else float("nan")
            if isfinite(value):
                bars.progress(factor=min(max((value + 1) / 2, 0.0), 1.0), text="")
            else:
                bars.label(text="  –")


class _Answering(Sidebar):
    """A part of the panel that only a head that answers has."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A head that answers."""
        session = robot_session.HEAD.current
        return session is not None and session.status is not None


class SEMBLANCE_PT_robot_meters(_Answering, bpy.types.Panel):
    """What each actuator does."""

    bl_label = "Actuators"
    bl_parent_id = "SEMBLANCE_PT_robot"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Four columns, then the highlighted one in numbers."""
        session, view = robot_session.HEAD.current, context.window_manager.semblance_robot
        if session is None:
            return
        layout = self.layout
        SEMBLANCE_UL_robot_meters.columns = tuple(column.tolist() for column in four(session))
        width = context.region.width / context.preferences.system.ui_scale - _BESIDE_NAMES_PX
        SEMBLANCE_UL_robot_meters.letters = int(width * _NAME_SHARE / _LETTER_PX)
        head = layout.split(factor=_NAME_SHARE, align=True)
        head.label(text="")
        row = head.row(align=True)
        for name in _METERS:
            row.label(text=name)
        layout.template_list(SEMBLANCE_UL_robot_meters.__name__, "", view, "rows", view, "row", rows=_SHOWN_ROWS)
        if view.row < len(session.robot):
            for sentence in numbers(session, view.row):
                layout.label(text=sentence)


class SEMBLANCE_PT_robot_calibration(Sidebar, bpy.types.Panel):
    """How one head is measured, before it is connected."""

    bl_label = "Calibrate a Head"
    bl_parent_id = "SEMBLANCE_PT_robot"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """No head is connected."""
        return robot_session.HEAD.current is None

    def draw(self, context: bpy.types.Context) -> None:
        """A name, and the button that connects it for that."""
        layout, settings = self.layout, context.scene.semblance_robot
        draw_sentence(layout, context, "Measure how far each servo of this one head goes, and where its neutral is. "
                      "Its own limits can only be narrower than those of the design.")
        if settings.unit:
            layout.label(text=said(f"Goes on with {settings.unit}"), icon="PRESET")
        else:
            layout.prop(context.window_manager.semblance_robot, "unit")
        layout.operator(SEMBLANCE_OT_robot_connect.bl_idname, text="Calibrate This Head", icon="DRIVER_DISTANCE",
                        ).calibrate = True


class SEMBLANCE_PT_robot_process(_Answering, bpy.types.Panel):
    """How the process of the head goes, and its log."""

    bl_label = "Beat and Log"
    bl_parent_id = "SEMBLANCE_PT_robot"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """Rate, lateness, frames, and where what was sent is written down."""
        session = robot_session.HEAD.current
        if session is None or session.status is None:
            return
        layout, status = self.layout, session.status
        rate = f"{status.rate_hz:.0f} times a second, {status.jitter_ms:.1f} ms late at most"
        layout.label(text=said(rate), icon="TIME")
        layout.label(text=said(f"{status.accepted} frames taken, {status.refused} refused"))
        for link in session.robot.links.values():
            layout.label(text=f"{link.name}: {link.protocol} {link.port}", icon="PLUGIN")
        if status.log:
            row = layout.row(align=True)
            row.label(text=Path(status.log).name, icon="TEXT")
            row.operator(SEMBLANCE_OT_robot_log.bl_idname, text="", icon="FILE_FOLDER")
            draw_sentence(layout, context, f"What was really sent is written to {status.log}")


@functools.cache
def shortened(name: str, letters: int) -> str:
    """A name of several words in so many letters: its last word, which tells it from its neighbours, stays whole."""
    words = name.replace("_", " ").split(" ")
    while len(" ".join(words)) > letters:
        longest = max(words[:-1], key=len, default="")
        if len(longest) <= _LEAST_LETTERS:
            break
        words[words.index(longest)] = longest[:-1]
    return " ".join(words)


def four(session: Session) -> tuple[np.ndarray, ...]:
    """u [N] of each of _METERS: NaN for what a limp head does not get, empty before anything came."""
    sent = session.sent
    if sent is None:
        return (np.zeros(0),) * len(_METERS)
    if not session.energised:
        return (np.full(len(sent.read), np.nan),) * 3 + (sent.read,)
    return sent.wanted, sent.shaped, sent.sent, sent.read


def numbers(session: Session, index: int) -> list[str]:
    """One actuator in its own unit."""
    robot, sent = session.robot, session.sent
    actuator, travel = robot.actuators[index], robot.actuators[index].travel
    said = [actuator.name, f"Channel {actuator.channel} on {actuator.link}, group {actuator.group}",
            f"Travel {travel.low:g} · {travel.neutral:g} · {travel.high:g} {travel.unit}"]
    if sent is None:
        return said
    shown = zip(_METERS, four(session), strict=True)
    said += filter(None, ["  ".join(f"{name} {u[index]:+.2f}" for name, u in shown if isfinite(u[index]))])
    raw, read = float(sent.raw[index]), float(sent.read[index])
    moves = session.energised and isfinite(raw)
    said.append(f"Sent {raw:.5g} {travel.unit}" if moves else "Gets nothing: its motor is off")
    if isfinite(read):
        u = np.zeros(len(robot))
        u[index] = read
        said[-1] += f", stands at {robot.raw(u)[index]:.5g}"
    return said


def _draw_choice(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Design, simulated or real, unit and ports; then Connect."""
    settings = context.scene.semblance_robot
    design = settings.info()
    column = layout.column(align=True)
    row = column.row(align=True)
    text = design.title if design else Path(settings.design).name
    row.operator_menu_enum(SEMBLANCE_OT_robot_design.bl_idname, "design", text=text, icon="ARMATURE_DATA")
    row.operator(SEMBLANCE_OT_robot_design_open.bl_idname, text="", icon="FILE_FOLDER")
    if design:
        draw_sentence(column, context, design.description)
    layout.row(align=True).prop(settings, "head", expand=True)
    column = layout.column(align=True)
    column.operator_menu_enum(SEMBLANCE_OT_robot_unit.bl_idname, "unit", icon="PRESET",
                              text=said(f"Unit: {settings.unit or 'not calibrated'}"))
    if settings.head == "REAL":
        _draw_ports(column, settings)
    row = layout.row()
    row.scale_y = 1.4
    row.operator(SEMBLANCE_OT_robot_connect.bl_idname, icon="LINKED")
    if robot_session.HEAD.farewell:
        draw_sentence(layout, context, robot_session.HEAD.farewell, "ERROR")
    elif robot_session.leaving():
        layout.label(text="The head eases to rest and goes limp ...", icon="SORTTIME")
    else:
        draw_sentence(layout, context, "Connect shows the head, and moves nothing. Arm lets it move.", "INFO")
    if settings.twin is not None:
        layout.operator(SEMBLANCE_OT_robot_twin.bl_idname, text="Remove Digital Twin", icon="TRASH")


def _draw_ports(column: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """A field for each link of the head, and beside it what is plugged in."""
    design = settings.info()
    for name, protocol in (design.links if design else {}).items():
        row, port = column.row(align=True), settings.ports.get(name)
        words = f"Host:port of {name}" if protocol in BY_NETWORK else f"Port of {name} ({protocol})"
        if port is not None:
            row.prop(port, "port", text="", placeholder=words)
        row.operator_menu_enum(SEMBLANCE_OT_robot_port.bl_idname, "port", icon="DOWNARROW_HLT",
                               text="" if port is not None else words).link = name


def _draw_stop(layout: bpy.types.UILayout, session: Session) -> None:
    """Always in the same place, always red."""
    row = layout.row()
    row.scale_y, row.alert = 2.0, True
    key = robot_keys.words(robot_keys.STOP)
    row.operator(SEMBLANCE_OT_robot_stop.bl_idname, text=said(f"STOP  ({key})") if key else "STOP", icon="CANCEL")


def _draw_state(layout: bpy.types.UILayout, context: bpy.types.Context, session: Session) -> None:
    """The head, both steps, the state in words, and what is wrong."""
    icon, word, meaning = STATES[session.state]
    status = session.status
    box = layout.box()
    width = int(context.region.width / context.preferences.system.ui_scale) - _BOX_PX
    row = box.row()
    row.alert = session.state == "STOPPED"
    row.label(text=said(f"{word}: {session.robot.name}{', simulated' if session.is_simulated else ''}"), icon=icon)
    if session.hangs:
        draw_sentence(box, context, _HANGS, "ERROR", width)
    else:
        draw_sentence(box, context, meaning, "BLANK1", width)
        if status is not None and status.reason and session.state != "LIVE":
            draw_sentence(box, context, status.reason, "ERROR" if session.state == "STOPPED" else "INFO", width)
    row = layout.row(align=True)
    row.label(text="Connected", icon="CHECKBOX_HLT" if status is not None else "CHECKBOX_DEHLT")
    row.label(text="Armed", icon="CHECKBOX_HLT" if session.energised else "CHECKBOX_DEHLT")
    row = layout.row(align=True)
    row.scale_y = 1.4
    row.operator(SEMBLANCE_OT_robot_arm.bl_idname, text="Arm Again" if session.state == "STOPPED" else "Arm",
                 icon="UNLOCKED")
    row.operator(SEMBLANCE_OT_robot_rest.bl_idname, icon="LOCKED")
    hold = robot_keys.words(robot_keys.HOLD)
    if hold and not session.energised:
        layout.label(text=said(f"or hold {hold} over the 3D view"), icon="BLANK1")
    for sentence in (*(status.faults if status else ()), session.problem):
        if sentence:
            draw_sentence(layout, context, sentence, "ERROR")


def _draw_sources(layout: bpy.types.UILayout, context: bpy.types.Context, session: Session) -> None:
    """What it follows."""
    playing = session.status.playing if session.status is not None else ""
    column = layout.column(align=True)
    row = column.row(align=True)
    row.scale_y = 1.2
    row.operator(SEMBLANCE_OT_robot_live.bl_idname, icon="RADIOBUT_ON" if session.wants_live else "RADIOBUT_OFF",
                 depress=session.wants_live)
    row = column.row(align=True)
    row.operator(SEMBLANCE_OT_robot_play.bl_idname, text="Play Take", icon="PLAY").what = "TAKE"
    row.operator(SEMBLANCE_OT_robot_play.bl_idname, text="Play Keys", icon="ACTION").what = "ACTION"
    row.operator(SEMBLANCE_OT_robot_play.bl_idname, text="", icon="SNAP_FACE").what = "NONE"
    if session.news:
        draw_sentence(layout, context, session.news, "INFO")
    elif session.wants_live and live_session.LIVE.current is not None and playing != "live" and session.energised:
        draw_sentence(layout, context, "No face is followed at the moment; see Live above.", "INFO")
    elif playing:
        layout.label(text=said(f"Follows {_PLAYING.get(playing, playing)}"), icon="CHECKMARK")
    shown = context.scene.semblance_robot.twin is not None
    layout.operator(SEMBLANCE_OT_robot_twin.bl_idname, icon="OUTLINER_OB_ARMATURE", depress=shown,
                    text="Remove Digital Twin" if shown else "Show Digital Twin")


def _draw_calibration(layout: bpy.types.UILayout, context: bpy.types.Context, session: Session) -> None:
    """One servo after the other: creep there, set it; then the file."""
    calibration, view = session.calibration, context.window_manager.semblance_robot
    if calibration is None:
        return
    actuator = calibration.actuator
    travel, marked = calibration.travel[actuator.name], calibration.marked[actuator.name]
    box = layout.box()
    row = box.row(align=True)
    row.operator(SEMBLANCE_OT_robot_step.bl_idname, text="", icon="TRIA_LEFT").by = "BACK"
    place = calibration.robot.index[actuator.name] + 1
    row.label(text=said(f"{place} of {len(calibration.robot)}: {actuator.name}"))
    row.operator(SEMBLANCE_OT_robot_step.bl_idname, text="", icon="TRIA_RIGHT").by = "NEXT"
    column = box.column()
    column.active = session.energised
    column.prop(view, "jog", slider=True)
    turned = session.turned_to()
    at = calibration.raw(calibration.u if turned is None else turned)
    box.label(text=said(f"{'Turned to' if turned is not None else 'Asked for'} {at:g} {travel.unit}"))
    column = box.column(align=True)
    for which in MARKS:
        mark = "CHECKMARK" if which in marked else "DOT"
        text = f"Set {which.title()}  ({getattr(travel, which):g})"
        column.operator(SEMBLANCE_OT_robot_mark.bl_idname, text=text, icon=mark).which = which
    if not session.energised:
        draw_sentence(box, context, "Arm the head; then the slider creeps to where this servo should stand. It never "
                      "goes further than the design allows.", "INFO")
    elif marked:
        box.operator(SEMBLANCE_OT_robot_step.bl_idname, text="As Designed", icon="LOOP_BACK").by = "FORGET"
    row = layout.row(align=True)
    row.prop(view, "unit", text="")
    row.operator(SEMBLANCE_OT_robot_unit_save.bl_idname, icon="FILE_TICK")
    left = len(calibration.left)
    layout.label(text=said(f"{left} keep the design's travel") if left else "All of them were measured", icon="BLANK1")
