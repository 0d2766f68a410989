"""The robot head of this Blender: a process of its own moves it; here one looks on, says what is wanted, and stops.

Nothing waits for the process. A Blender that hangs, quits or loads another file leaves it alone; it then eases the head
to rest, lets go of the motors and ends by itself.
"""
from __future__ import annotations

import logging
import time
from typing import Any, Final, Protocol

import bpy
import numpy as np

from ..core.errors import SemblanceError
from ..core.processes import child_environment
from ..core.rig_profile import find_profile
from ..live.messages import Character
from ..robot import signals
from ..robot.actuator_map import RobotMap
from ..robot.calibrating import Calibration
from ..robot.client import RobotClient, Update
from ..robot.messages import Arm, Disarm, Follow, Play, RobotStatus, Sent, Stop
from . import live_session, robot_twin
from .actors import cast_roots, find_actor
from .character_choice import known_character
from .only_session import Handlers, OnlySession, add_handlers, keep_ticking, remove_handlers, stop_ticking
from .robot_designs import SIMULATED
from .sidebar import redraw_sidebars

_log = logging.getLogger(__name__)

_TICK_S: Final = 1 / 30
_REDRAW_S: Final = 0.1
_LOOK_S: Final = 0.3
"""How often it is looked whom live to robot should follow."""
_SILENT_S: Final = 3.0
"""The process tells how it goes four times a second."""
_NOTHING: Final = Play((), np.zeros(0), np.zeros((0, 0), np.float32))
_SLEPT_S: Final = 0.5
_PROBLEM_S: Final = 6.0
"""So long a problem that is over is still told."""
_GUEST: Final = "robot"
"""Id of a robot head in the live cast."""
ENERGISED: Final = ("ARMING", "LIVE", "HOLD", "RESTING")


class Client(Protocol):
    """What a session needs of addon.robot.client.RobotClient."""

    state: str
    sentence: str
    held: bool

    def send(self, command: Any) -> None:
        """Say something to the process."""

    def poll(self) -> Update:
        """What is newest."""

    def release(self) -> None:
        """The held arm key was let go."""

    def stop(self) -> None:
        """To rest, limp, end; poll until it has."""

    def let_go(self) -> None:
        """The same, without anybody who polls."""


class Session:
    """One head, from Connect to Disconnect."""

    def __init__(self, scene: bpy.types.Scene, robot: RobotMap, client: Client) -> None:
        self.scene_name, self.robot, self.client = scene.name, robot, client
        self.status: RobotStatus | None = None
        """What the process said last; None while it opens the head."""
        self.sent: Sent | None = None
        self.news = ""
        """Why live to robot ended by itself, or that something is done."""
        self.wants_live = False
        """Live to Robot is on."""
        self.calibration: Calibration | None = None
        self._followed: Follow | None = None
        self._ticked_s = self._heard_s = time.monotonic()
        self._looked_s = self._redrawn_s = self._problem_s = 0.0

    @property
    def scene(self) -> bpy.types.Scene | None:
        """The scene; None if it is gone."""
        return bpy.data.scenes.get(self.scene_name)

    @property
    def state(self) -> str:
        """One of robot.states.State, or "CONNECTING"."""
        return self.status.state if self.status is not None else "CONNECTING"

    @property
    def energised(self) -> bool:
        """The motors are on."""
        return self.state in ENERGISED

    @property
    def is_simulated(self) -> bool:
        """Nothing real can move."""
        return all(link.protocol == SIMULATED for link in self.robot.links.values())

    @property
    def hangs(self) -> bool:
        """The process has said nothing for seconds; it may be about to be given up."""
        return self.status is not None and self._ticked_s - self._heard_s > _SILENT_S / 2

    @property
    def problem(self) -> str:
        """What goes wrong now, or did seconds ago, and does not stop the head; empty if nothing."""
        if self.status is None or self._ticked_s - self._problem_s > _PROBLEM_S:
            return ""
        return self.status.problem

    def arm(self, held: bool = False) -> None:
        """A person lets the head move."""
        self.news = ""
        self.client.send(Arm(held))

    def disarm(self) -> None:
        """To rest, then limp; live to robot and what plays are over."""
        self.follow_live(False)
        self.play(None)
        self.client.send(Disarm())

    def stop_head(self, reason: str) -> None:
        """Limp, now; only Arm leads out of it."""
        self.client.send(Stop(reason))
        self.follow_live(False)
        self.play(None)

    def follow_live(self, on: bool) -> None:
        """Let the process follow the live worker, by itself."""
        self.wants_live, self.news = on, ""
        self._follow()

    def play(self, play: Play | None) -> None:
        """Play a performance, or end what plays."""
        self.client.send(play or _NOTHING)

    def turned_to(self) -> float | None:
        """u at which the calibrated servo was read while it is limp, so that one may turn it by hand; None: unknown."""
        if self.calibration is None or self.sent is None or self.state != "LIMP":
            return None
        read = float(self.sent.read[self.robot.index[self.calibration.actuator.name]])
        return read if np.isfinite(read) else None

    def tick(self) -> None:
        """Look at what the process says, and say on what has to be said again and again.

        Raises:
            SemblanceError: if the session has to end.
        """
        if self.scene is None:
            raise SemblanceError(f"The scene '{self.scene_name}' is gone; the head eases to rest.")
        update, now_s = self.client.poll(), time.monotonic()
        if self.client.state == "ended":
            raise SemblanceError(f"{self.client.sentence or 'The robot process has ended.'}{self._warning()}")
        if now_s - self._ticked_s > _SLEPT_S:  # it was us who slept
            self._heard_s += now_s - self._ticked_s
        if update.status is not None:
            self._hear(update.status, now_s)
        if update.sent is not None:
            self.sent = update.sent
            if np.isfinite(update.sent.raw).any() and not bpy.app.is_job_running("RENDER"):
                for scene in bpy.data.scenes:
                    robot_twin.play(scene, self.robot, update.sent.sent)
        if now_s - self._looked_s > _LOOK_S:
            self._follow()
        self._jog(now_s - self._ticked_s)
        self._ticked_s = now_s
        if now_s - self._redrawn_s > _REDRAW_S:
            self._redrawn_s = now_s
            redraw_sidebars(bpy.context)

    def _warning(self) -> str:
        """What to look out for when the process is gone all at once."""
        if not self.energised or self.is_simulated:
            return ""
        return (" The motors were on: without a watchdog of their own they stay on, so use the switch of their supply "
                "if the head does not go limp.")

    def _hear(self, status: RobotStatus, now_s: float) -> None:
        before = self.status.playing if self.status is not None else ""
        if status.playing == "clip" != before:
            self.news = ""
        elif before == "clip" and not status.playing:
            self.news = "Played to its end."
        seen = status.problem, status.refused
        if self.status is None or seen != (self.status.problem, self.status.refused):
            self._problem_s = now_s
        self.status, self._heard_s = status, now_s

    def _jog(self, seconds: float) -> None:
        """The servo that is calibrated creeps to where its slider stands."""
        if self.calibration is None:
            return
        view, calibration = bpy.context.window_manager.semblance_robot, self.calibration
        if view.row < len(self.robot) and self.robot.actuators[view.row] is not calibration.actuator:
            calibration.select(self.robot.actuators[view.row].name)  # another line of the list was clicked
            view.jog = 0.0
        calibration.creep_to(view.jog)
        jog = calibration.tick(seconds)
        if self.energised or (self.status is not None and self.status.reason.startswith("Armed")):
            self.client.send(jog)

    def _follow(self) -> None:
        """Tell the process whom to follow, whenever that has changed."""
        live, self._looked_s = live_session.LIVE.current, time.monotonic()
        if self.wants_live and live is None:
            self.wants_live, self.news = False, "Live has ended, and live to robot with it; the head eases to rest."
        wanted = _whom(self.robot, live) if self.wants_live and live is not None else None
        if wanted != self._followed:
            self._followed = wanted
            self.client.send(wanted or Follow(0, ""))
        if wanted is None and live is not None and live.guests:
            live.guests = ()


def _whom(robot: RobotMap, live: live_session.Session) -> Follow | None:
    """The worker and whom of it a map follows; None while the worker only starts."""
    port, token, scene = getattr(live.client, "port", 0), getattr(live.client, "token", ""), live.scene
    if not port or scene is None:
        return None
    if robot.controls == signals.EXPRESSION:
        actor = next((find_actor(scene, root) for root in cast_roots(scene)), None)
        return Follow(port, token, "", actor.face - 1 if actor else 0)
    for name in live.puppets:
        if _is_of(scene.objects.get(name), robot, scene):  # what is seen on the screen goes to the head
            live.guests = ()
            return Follow(port, token, name)
    if not live.guests:
        live.guests = (Character.of(find_profile(robot.controls), _GUEST),)
    return Follow(port, token, _GUEST)


def _is_of(root: bpy.types.Object | None, robot: RobotMap, scene: bpy.types.Scene) -> bool:
    """The character has the controls that the map follows."""
    try:
        return root is not None and known_character(root, scene)[1].name.lower() == robot.controls.lower()
    except SemblanceError:
        return False


HEAD: Final = OnlySession[Session]("Connect a head first.")
_leaving: list[Client] = []
"""Clients of heads that ease to rest."""


def connect(scene: bpy.types.Scene, robot: RobotMap, client: Client | None = None) -> Session:
    """Open the head in a process of its own; it does not move. A head that was connected is let go.

    Args:
        client: of a process that runs already; None: one is started as the scene's settings say.
    """
    disconnect()
    settings = scene.semblance_robot
    client = client or RobotClient.start(settings.arguments(robot), child_environment())
    session = HEAD.begin(Session(scene, robot, client))
    bpy.context.window_manager.semblance_robot.fill(tuple(actuator.name for actuator in robot.actuators))
    keep_ticking(_tick)
    return session


def disconnect(sentence: str = "") -> None:
    """To rest, limp, gone; harmless when there is none. Nothing waits for it."""
    session = HEAD.end(sentence)
    if session is None:
        return
    session.follow_live(False)
    session.client.stop()
    if session.client.state != "ended":
        _leaving.append(session.client)
    redraw_sidebars(bpy.context)


def leave() -> None:
    """Nobody looks on any more, because Blender ends or the extension is disabled: the heads let go by themselves."""
    session = HEAD.end()
    for client in [*([session.client] if session is not None else []), *_leaving]:
        client.let_go()
    _leaving.clear()
    stop_ticking(_tick)


def tick() -> None:
    """What the timer does; a session that cannot go on ends with a sentence."""
    for client in list(_leaving):
        client.poll()
        if client.state == "ended":
            _leaving.remove(client)
    if HEAD.current is None:
        return
    try:
        HEAD.current.tick()
    except SemblanceError as error:
        disconnect(str(error))
    except Exception:
        _log.exception("The robot head was let go")
        disconnect("The head was let go because of an error of Semblance; the system console has the details.")


def leaving() -> bool:
    """A head that was disconnected still eases to rest."""
    return bool(_leaving)


def _tick() -> float | None:
    tick()
    return _TICK_S if HEAD.current is not None or _leaving else None


@bpy.app.handlers.persistent
def _before_loading(*_: object) -> None:
    disconnect("Another file was opened; the head eases to rest and goes limp." if HEAD.current else "")
    robot_twin.forget()


@bpy.app.handlers.persistent
def _after_undo(*_: object) -> None:
    robot_twin.forget()


_HANDLERS: Final[Handlers] = (("load_pre", _before_loading), ("undo_post", _after_undo), ("redo_post", _after_undo))


def register() -> None:
    """Called after the classes are registered."""
    add_handlers(_HANDLERS)


def unregister() -> None:
    """Called before the classes are unregistered, also while a head is armed."""
    leave()
    remove_handlers(_HANDLERS)
