"""The buttons that measure one head: where a servo stands is kept as its low, neutral or high; then the unit file."""
from __future__ import annotations

import bpy
from bpy.props import EnumProperty

from ..core.errors import SemblanceError
from ..robot.calibrating import MARKS, Calibration
from . import robot_session
from .operator_kinds import Reporting
from .sidebar import redraw_sidebars


class _Calibrating(Reporting):
    """A button of the calibration."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A head is being measured."""
        session = robot_session.HEAD.current
        if session is None or session.calibration is None:
            cls.poll_message_set("Press 'Calibrate This Head' first")  # type: ignore[attr-defined]
            return False
        return True

    @staticmethod
    def calibration() -> Calibration:
        """What is measured so far."""
        calibration = robot_session.HEAD.required().calibration
        if calibration is None:
            raise SemblanceError("Press 'Calibrate This Head' first.")
        return calibration


class SEMBLANCE_OT_robot_mark(_Calibrating, bpy.types.Operator):
    """The servo stands there now: keep it"""

    bl_idname = "semblance.robot_mark"
    bl_label = "Set"
    bl_options = {"REGISTER"}

    which: EnumProperty(name="Which", items=[(mark, mark.title(), f"This is its {mark}") for mark in MARKS],
                        description="What of its travel this is")

    def perform(self, context: bpy.types.Context) -> None:
        """Where it is asked to be; a limp one that can tell, where it was turned to by hand."""
        session, calibration = robot_session.HEAD.required(), self.calibration()
        calibration.mark(self.which, session.turned_to())
        name, travel = calibration.actuator.name, calibration.travel[calibration.actuator.name]
        self.report({"INFO"}, f"{name}: {self.which} {getattr(travel, self.which):g} {travel.unit}")
        redraw_sidebars(context)


class SEMBLANCE_OT_robot_step(_Calibrating, bpy.types.Operator):
    """Measure the next actuator, or the one before; the present one creeps back to its neutral"""

    bl_idname = "semblance.robot_step"
    bl_label = "Next"
    bl_options = {"REGISTER"}

    by: EnumProperty(name="By", items=(("NEXT", "Next", "The next actuator"), ("BACK", "Back", "The one before"),
                                       ("FORGET", "Forget", "The design's travel again")), description="Where to")

    def perform(self, context: bpy.types.Context) -> None:
        """Its row is highlighted too."""
        calibration, view = self.calibration(), context.window_manager.semblance_robot
        if self.by == "FORGET":
            calibration.forget()
        else:
            calibration.step(1 if self.by == "NEXT" else -1)
        view.jog, view.row = 0.0, calibration.robot.index[calibration.actuator.name]
        redraw_sidebars(context)


class SEMBLANCE_OT_robot_unit_save(_Calibrating, bpy.types.Operator):
    """Write what was measured and the ports as the unit file of this head, and let the panel use it"""

    bl_idname = "semblance.robot_unit_save"
    bl_label = "Save Unit File"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """Then the head is let go; connected again, it is the calibrated one."""
        session, calibration = robot_session.HEAD.required(), self.calibration()
        settings, view = context.scene.semblance_robot, context.window_manager.semblance_robot
        if view.unit.strip() != calibration.unit:
            calibration.rename(view.unit.strip())
        path = calibration.write({row.name: row.port.strip() for row in settings.ports})
        settings.unit = calibration.unit
        session.calibration = None
        robot_session.disconnect()
        self.report({"INFO"}, f"Wrote {path}; press Connect to use it")
