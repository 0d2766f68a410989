"""The Robot panel's buttons and keys: each tells the session what is wanted and reports one sentence."""
from __future__ import annotations

from pathlib import Path
from typing import Final

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..core.errors import SemblanceError
from ..robot.calibrating import Calibration
from ..robot.map_reading import find_map, read_map
from ..robot.unit_file import find_unit, read_unit, unit_names
from . import live_session, robot_designs, robot_keys, robot_session, robot_twin
from .operator_kinds import Reporting
from .robot_play import play_action, play_take
from .robot_properties import port_items
from .sentences import draw_sentence
from .sidebar import redraw_sidebars
from .translations import OURS

_NOT_CONNECTED: Final = "Connect a head first"
_MAY_ARM: Final = ("LIMP", "STOPPED", "RESTING")
_lists: dict[str, list[tuple[str, str, str]]] = {"": []}
"""Menus' texts; Blender keeps no copy of them."""


def _designs(operator: object, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    _lists["design"] = [(each.key, each.title, each.description) for each in robot_designs.known()]
    return _lists["design"]


def _units(operator: object, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    design = context.scene.semblance_robot.info() if context else None
    names = unit_names(design.name) if design else []
    _lists["unit"] = [("NONE", "Not Calibrated", "The travel of the design, and ports that you choose"),
                      *((name, name, f"The head '{name}', as it was calibrated") for name in names)]
    return _lists["unit"]


def _ports(operator: bpy.types.OperatorProperties, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    row = context.scene.semblance_robot.ports.get(operator.link) if context else None
    try:
        _lists["port"] = port_items(row is not None and row.by_network)
    except SemblanceError as error:
        _lists["port"] = [("", str(error), "")]
    return _lists["port"] or [("", "No port: is the board plugged in and powered?", "")]


class _WhileConnected(Reporting):
    """A button that needs a head."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A head is connected."""
        if robot_session.HEAD.current is None:
            cls.poll_message_set(_NOT_CONNECTED)  # type: ignore[attr-defined]
            return False
        return True


class SEMBLANCE_OT_robot_design(Reporting, bpy.types.Operator):
    """Choose the design of the head: which motors it has and what moves each"""

    bl_idname = "semblance.robot_design"
    bl_label = "Choose Robot"
    bl_options = {"REGISTER", "UNDO"}

    design: EnumProperty(name="Design", items=_designs, description="One of the designs that are known")

    def perform(self, context: bpy.types.Context) -> None:
        """Another design has other units and links."""
        settings = context.scene.semblance_robot
        if settings.design != self.design:
            settings.design, settings.unit = self.design, ""
            settings.ports.clear()
        settings.list_ports()


class SEMBLANCE_OT_robot_design_open(Reporting, bpy.types.Operator):
    """Choose the map file (actuators.toml) of your own head"""

    bl_idname = "semblance.robot_design_open"
    bl_label = "Open Robot Map"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", description="The map file")
    filter_glob: StringProperty(default="*.toml", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def perform(self, context: bpy.types.Context) -> None:
        """Check it before it is chosen."""
        robot = read_map(Path(self.filepath))
        robot_designs.add(self.filepath, Path(self.filepath))
        settings = context.scene.semblance_robot
        settings.design, settings.unit = self.filepath, ""
        settings.ports.clear()
        settings.list_ports()
        for warning in robot.warnings:
            self.report({"WARNING"}, warning)
        self.report({"INFO"}, f"'{robot.name}' has {len(robot)} actuators")


class SEMBLANCE_OT_robot_unit(Reporting, bpy.types.Operator):
    """Choose which one head of this design it is: what was measured when it was calibrated, and its ports"""

    bl_idname = "semblance.robot_unit"
    bl_label = "Choose Unit"
    bl_options = {"REGISTER", "UNDO"}

    unit: EnumProperty(name="Unit", items=_units, description="A head that was calibrated here")

    def perform(self, context: bpy.types.Context) -> None:
        """Its ports become those of the panel."""
        settings = context.scene.semblance_robot
        settings.unit = "" if self.unit == "NONE" else self.unit
        settings.list_ports()
        if settings.unit:
            robot = find_map(bpy.path.abspath(settings.design))
            for name, link in read_unit(find_unit(robot, settings.unit), robot).links.items():
                settings.ports[name].port = link.port or settings.ports[name].port


class SEMBLANCE_OT_robot_port(Reporting, bpy.types.Operator):
    """Choose from the ports that are here now; none is opened"""

    bl_idname = "semblance.robot_port"
    bl_label = "Choose Port"
    bl_options = {"REGISTER", "UNDO"}

    link: StringProperty(description="Which link of the head")
    port: EnumProperty(name="Port", items=_ports, description="A port of this computer")

    def perform(self, context: bpy.types.Context) -> None:
        """Only written down."""
        settings = context.scene.semblance_robot
        settings.list_ports()
        if self.link in settings.ports and self.port:
            settings.ports[self.link].port = self.port


class SEMBLANCE_OT_robot_connect(Reporting, bpy.types.Operator):
    """Open the head in a process of its own and show what answers. Nothing moves before you arm it"""

    bl_idname = "semblance.robot_connect"
    bl_label = "Connect"
    bl_translation_context = OURS
    bl_options = {"REGISTER"}

    calibrate: BoolProperty(options={"SKIP_SAVE", "HIDDEN"}, description="To measure this head")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """The head before has let go of its port."""
        if robot_session.leaving():
            cls.poll_message_set("The head that was connected still eases to rest")
            return False
        return True

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """What for."""
        if properties.calibrate:
            return "Open the head with the whole travel of its design, to measure how far this one really goes"
        return cls.__doc__ or ""

    def perform(self, context: bpy.types.Context) -> None:
        """The map and the unit are checked here, ports and boards by the process."""
        scene, settings = context.scene, context.scene.semblance_robot
        if settings.info() is None:
            robot_designs.add(settings.design, Path(bpy.path.abspath(settings.design)))
        settings.list_ports()
        robot_keys.look()
        known = settings.robot()
        if not self.calibrate:
            robot_session.connect(scene, known)
            return
        view = context.window_manager.semblance_robot
        unit, settings.unit = settings.unit, ""
        try:
            calibration = Calibration(settings.robot(), unit or view.unit.strip(), known if unit else None)
            robot_session.connect(scene, calibration.robot).calibration = calibration
            view.jog, view.unit = 0.0, calibration.unit
        finally:
            settings.unit = unit


class SEMBLANCE_OT_robot_disconnect(_WhileConnected, bpy.types.Operator):
    """Ease the head to rest, let go of its motors and its ports"""

    bl_idname = "semblance.robot_disconnect"
    bl_label = "Disconnect"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """Nothing waits for it."""
        robot_session.disconnect()


class SEMBLANCE_OT_robot_arm(_WhileConnected, bpy.types.Operator):
    """Let the head move. You are asked first"""

    bl_idname = "semblance.robot_arm"
    bl_label = "Arm"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Connected, and not moving already."""
        session = robot_session.HEAD.current
        if session is not None and session.state not in _MAY_ARM:
            cls.poll_message_set("The head is armed already" if session.energised else "The head is not connected yet")
            return False
        return super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Say what will move; Enter alone does not let a real head move."""
        return context.window_manager.invoke_props_dialog(
            self, width=420, title="Let the Head Move?", confirm_text="Arm",
            cancel_default=not robot_session.HEAD.required().is_simulated,
        )

    def draw(self, context: bpy.types.Context) -> None:
        """What, how it begins, and what to look out for."""
        session, layout = robot_session.HEAD.current, self.layout
        if session is None:
            return
        for sentence, icon in will_move(session):
            draw_sentence(layout, context, sentence, icon, width=400)

    def perform(self, context: bpy.types.Context) -> None:
        """A person has said yes."""
        robot_session.HEAD.required().arm()


class SEMBLANCE_OT_robot_hold(_WhileConnected, bpy.types.Operator):
    """The head may move for as long as this key is held down; let go and it eases to rest and goes limp"""

    bl_idname = robot_keys.HOLD
    bl_label = "Arm While Held"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """The key went down."""
        session = robot_session.HEAD.required()
        if event.is_repeat or session.state not in _MAY_ARM:
            return {"CANCELLED"}
        self._key, self._client = event.type, session.client
        session.arm(held=True)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Until it goes up, or somebody stops the head, or another window is looked at."""
        up = event.type == self._key and event.value == "RELEASE"
        if up or event.type == "WINDOW_DEACTIVATE" or not self._client.held:
            self.cancel(context)
            return {"FINISHED"}
        return {"RUNNING_MODAL"} if event.type == self._key else {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Let go."""
        self._client.release()

    def perform(self, context: bpy.types.Context) -> None:
        """A script has no key to hold."""
        raise SemblanceError("Hold the key down over the 3D view; a script uses Arm.")


class SEMBLANCE_OT_robot_rest(_WhileConnected, bpy.types.Operator):
    """Ease the head to rest, then switch its motors off; Arm lets it move again"""

    bl_idname = "semblance.robot_rest"
    bl_label = "Rest"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """It could move."""
        session = robot_session.HEAD.current
        if session is not None and not session.energised and session.state != "LIMP":
            cls.poll_message_set("The motors are off")
            return False
        return super().poll(context)

    def perform(self, context: bpy.types.Context) -> None:
        """Gently."""
        robot_session.HEAD.required().disarm()


class SEMBLANCE_OT_robot_stop(_WhileConnected, bpy.types.Operator):
    """The head goes limp at once."""

    bl_idname = robot_keys.STOP
    bl_description = (
        "Switch all motors off now: the head goes limp where it is. Only Arm lets it move again. The switch of its "
        "supply is the real emergency stop"
    )
    bl_label = "Stop"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        """Now."""
        robot_session.HEAD.required().stop_head("Stop was pressed.")
        redraw_sidebars(context)


class SEMBLANCE_OT_robot_live(_WhileConnected, bpy.types.Operator):
    """Let the head follow the live performer; it moves only while it is armed"""

    bl_idname = "semblance.robot_live"
    bl_label = "Live to Robot"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """A head, and somebody to follow."""
        if live_session.LIVE.current is None:
            cls.poll_message_set("Start Live first: then there is a performer to follow")
            return False
        return super().poll(context)

    def perform(self, context: bpy.types.Context) -> None:
        """On or off."""
        session = robot_session.HEAD.required()
        session.follow_live(not session.wants_live)


class SEMBLANCE_OT_robot_play(_WhileConnected, bpy.types.Operator):
    """Play on the head; it waits at the first frame until the head is armed and there"""

    bl_idname = "semblance.robot_play"
    bl_label = "Play on Robot"
    bl_options = {"REGISTER"}

    what: EnumProperty(
        name="What", options={"SKIP_SAVE"}, description="What is played",
        items=(
            ("TAKE", "Take", "The sidebar's take, calibrated and smoothed as it says"),
            ("ACTION", "Keys", "The keys on the character that this head follows, with all your corrections"),
            ("NONE", "Stop Playing", "Play no more; the head eases to rest"),
        ),
    )

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Of each."""
        what = cls.bl_rna.properties["what"].enum_items[properties.what].description
        return what if properties.what == "NONE" else f"{what}. It waits at the first frame until the head is armed"

    def perform(self, context: bpy.types.Context) -> None:
        """Read it all, and hand it over; the process plays it by its own clock."""
        session, scene = robot_session.HEAD.required(), context.scene
        if self.what == "NONE":
            session.play(None)
            return
        session.follow_live(False)
        play = (play_take if self.what == "TAKE" else play_action)(scene, session.robot)
        session.play(play)
        session.news = f"Plays {play.times_s[-1] - play.times_s[0]:.1f} s as soon as the head is armed and there."


class SEMBLANCE_OT_robot_twin(_WhileConnected, bpy.types.Operator):
    """Show beside the characters what is sent to the head, in a collection of its own; or take it away again"""

    bl_idname = "semblance.robot_twin"
    bl_label = "Digital Twin"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One can be taken away without a head too."""
        return context.scene.semblance_robot.twin is not None or super().poll(context)

    def perform(self, context: bpy.types.Context) -> None:
        """Make it, or remove it."""
        scene = context.scene
        if scene.semblance_robot.twin is not None:
            robot_twin.remove(scene)
        else:
            robot_twin.show(scene, robot_session.HEAD.required().robot)


class SEMBLANCE_OT_robot_log(_WhileConnected, bpy.types.Operator):
    """Open the folder with the log of what was sent to the head"""

    bl_idname = "semblance.robot_log"
    bl_label = "Show Log"
    bl_options = {"INTERNAL"}

    def perform(self, context: bpy.types.Context) -> None:
        """In the system's own file browser."""
        status = robot_session.HEAD.required().status
        if status is None or not status.log:
            raise SemblanceError("Nothing is written down yet.")
        bpy.ops.wm.path_open(filepath=str(Path(status.log).parent))


def will_move(session: robot_session.Session) -> list[tuple[str, str]]:
    """What the dialog of Arm says: sentences with their icons."""
    robot = session.robot
    where = ", ".join(dict.fromkeys(link.port or "a simulated link" for link in robot.links.values()))
    protocols = {name: link.protocol for name, link in robot.links.items()}
    said = [(f"{len(robot)} actuators of '{robot.name}' will move ({where}).", "ARMATURE_DATA"),
            (robot_designs.wakes(protocols), "INFO")]
    if session.state == "STOPPED":
        said.append((f"It was stopped: {session.status.reason if session.status else ''}", "ERROR"))
    if session.calibration is None and not session.wants_live and not (session.status and session.status.playing):
        said.append(("It follows nothing yet: press Live to Robot or Play within 10 seconds.", "SORTTIME"))
    if not session.is_simulated:
        said.append(("Keep hands, hair and cables clear, and one hand at the switch of its supply.", "ERROR"))
    return said
