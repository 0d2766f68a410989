"""A robot head in Blender, with a client that says what each test wants. Timers do not run without a window, so `tick`
is called."""
from __future__ import annotations

import os
import time
from dataclasses import replace
from types import SimpleNamespace

import addon_utils
import bpy
import numpy as np
import pytest

from addon.core.take import write_take

from .conftest import EXTENSION
from .test_apply import performance as jaw_performance
from .test_live_session import Worker, keyed
from .told import Told


class Process(Told):
    """Stands in for RobotClient."""

    held, end = False, ""

    def release(self) -> None:
        self.held = False

    def stop(self) -> None:
        self.end = "asked"

    def let_go(self) -> None:
        self.end = "let go"


class Robot:
    """A session in the present scene, whose process the test plays."""

    def __init__(self, extension) -> None:
        self.module = extension("blender.robot_session")
        self.messages = extension("robot.messages")
        self.process = Process(extension("robot.client").Update)
        self.extension = extension

    @property
    def settings(self) -> bpy.types.PropertyGroup:
        return bpy.context.scene.semblance_robot

    @property
    def session(self):
        return self.module.HEAD.current

    def connect(self, design: str = "maestro_head", state: str = "LIMP"):
        self.settings.design = design
        made = self.module.connect(bpy.context.scene, self.settings.robot(), self.process)
        self.say(state)
        return made

    def say(self, state: str, reason: str = "", **more: object) -> None:
        """The process tells how it goes."""
        robot = self.session.robot
        names = tuple(actuator.name for actuator in robot.actuators)
        self.process.next.status = self.messages.RobotStatus(
            state, reason, robot.name, names, 50.0, 0.3, 0, 0, **more)
        self.module.tick()

    def look(self) -> None:
        """Half a second later."""
        self.session._looked_s = 0.0
        self.module.tick()

    def send(self, **u: float) -> None:
        """The process has sent this to the motors."""
        robot = self.session.robot
        sent = np.zeros(len(robot), np.float32)
        for name, value in u.items():
            sent[robot.index[name]] = value
        self.process.next.sent = self.messages.Sent(
            1.0, sent, sent, sent, robot.raw(sent).astype(np.float32), np.full(len(robot), np.nan, np.float32))
        self.module.tick()


@pytest.fixture
def robot(extension):
    made = Robot(extension)
    yield made
    made.module.leave()
    extension("blender.live_session").stop()


@pytest.fixture
def live(extension, robot):
    """A live session whose worker is known to listen on port 4711."""
    settings = bpy.context.scene.semblance_live
    settings.kind, settings.video = "VIDEO", "/nowhere/clip.mp4"
    worker = Worker(extension("live.client").Update)
    worker.port, worker.token = 4711, "secret"
    return extension("blender.live_session").start(bpy.context.scene, worker)


def test_connect_moves_nothing_and_arm_asks(robot):
    session = robot.connect()
    assert robot.process.kinds() == [] and session.state == "LIMP" and not session.energised
    bpy.ops.semblance.robot_arm()
    assert robot.process.last("Arm").held is False
    said = " ".join(text for text, _ in robot.extension("blender.robot_operators").will_move(session))
    assert "18 actuators of 'maestro_head' will move" in said and "nothing real moves" in said
    assert "follows nothing yet" in said
    robot.say("LIVE")
    assert session.energised
    with pytest.raises(RuntimeError, match="armed already"):
        bpy.ops.semblance.robot_arm()


def test_the_question_before_a_real_head_moves_says_how_it_wakes(robot, extension):
    will_move = extension("blender.robot_operators").will_move
    session = robot.connect()
    link = replace(session.robot.links["face"], protocol="maestro", port="/dev/ttyACM9")
    session.robot = replace(session.robot, links={"face": link})
    said = " ".join(text for text, _ in will_move(session))
    assert "/dev/ttyACM9" in said and "jumps to its rest" in said and "hand at the switch" in said


def test_stop_is_said_first_and_ends_what_it_follows(robot, live):
    session = robot.connect()
    bpy.ops.semblance.robot_live()
    robot.process.told.clear()
    bpy.ops.semblance.robot_stop()
    assert robot.process.kinds()[0] == "Stop" and not session.wants_live
    assert robot.process.last("Follow").port == 0 and len(robot.process.last("Play").times_s) == 0


def test_rest_and_disconnect(robot):
    robot.connect(state="LIVE")
    bpy.ops.semblance.robot_rest()
    assert robot.process.kinds()[-1] == "Disarm"
    bpy.ops.semblance.robot_disconnect()
    assert robot.session is None and robot.process.end == "asked" and robot.module.leaving()
    assert not bpy.ops.semblance.robot_connect.poll()
    robot.process.state = "ended"
    robot.module.tick()
    assert not robot.module.leaving() and robot.module.HEAD.farewell == ""


@pytest.mark.parametrize("end", [("H", "RELEASE"), ("WINDOW_DEACTIVATE", "NOTHING")])
def test_a_held_key_arms_until_it_goes_up_or_the_window_is_left(robot, extension, end):
    def event(kind: str, value: str, is_repeat: bool = False) -> SimpleNamespace:
        return SimpleNamespace(type=kind, value=value, is_repeat=is_repeat)

    robot.connect()
    hold = extension("blender.robot_operators").SEMBLANCE_OT_robot_hold
    me = SimpleNamespace(cancel=lambda context: hold.cancel(me, context))
    context = SimpleNamespace(window_manager=SimpleNamespace(modal_handler_add=lambda operator: None))
    assert hold.invoke(me, context, event("H", "PRESS", True)) == {"CANCELLED"}
    assert hold.invoke(me, context, event("H", "PRESS")) == {"RUNNING_MODAL"}
    assert robot.process.last("Arm").held
    robot.process.held = True
    assert hold.modal(me, context, event("H", "PRESS", True)) == {"RUNNING_MODAL"}
    assert hold.modal(me, context, event("END", "PRESS")) == {"PASS_THROUGH"}  # Stop is heard
    assert robot.process.held
    assert hold.modal(me, context, event(*end)) == {"FINISHED"} and not robot.process.held


def test_live_to_robot_lets_the_process_join_the_worker(robot, live):
    robot.connect()
    bpy.ops.semblance.robot_live()
    assert robot.process.last("Follow") == robot.messages.Follow(4711, "secret", "", 0)
    robot.module.tick()
    assert robot.process.kinds().count("Follow") == 1
    bpy.ops.semblance.robot_live()
    assert robot.process.last("Follow").port == 0


def test_live_to_robot_needs_live_and_waits_for_a_worker_that_only_starts(robot, extension):
    session = robot.connect()
    with pytest.raises(RuntimeError, match="Start Live first"):
        bpy.ops.semblance.robot_live()
    settings = bpy.context.scene.semblance_live
    settings.kind, settings.video = "VIDEO", "/nowhere/clip.mp4"
    worker = Worker(extension("live.client").Update)
    worker.port, worker.token = 0, ""
    live_session = extension("blender.live_session")
    live_session.start(bpy.context.scene, worker)
    bpy.ops.semblance.robot_live()
    assert "Follow" not in robot.process.kinds()
    worker.port, worker.token = 4712, "late"
    robot.look()
    assert robot.process.last("Follow").port == 4712
    live_session.stop()
    robot.look()
    assert robot.process.last("Follow").port == 0 and not session.wants_live and "Live has ended" in session.news


def test_a_map_of_a_character_follows_it_or_a_guest_of_the_cast(robot, live):
    robot.connect("ameca_by_ada")
    bpy.ops.semblance.robot_live()
    assert robot.process.last("Follow").character == "robot"
    guest, = live.guests
    live.look(bpy.context.scene)
    assert live.client.last("SetCast").characters == (guest,) and guest.rig_profile.name == "Ada"
    bpy.ops.semblance.character_add(character="Ada")
    live.look(bpy.context.scene)
    robot.look()
    assert robot.process.last("Follow").character == "Ada" and live.guests == ()
    bpy.ops.semblance.robot_live()
    assert robot.process.last("Follow").port == 0


def test_a_character_that_cannot_be_used_any_more_is_replaced_by_a_guest(robot, live, monkeypatch):
    bpy.ops.semblance.character_add(character="Ada")
    live.look(bpy.context.scene)
    robot.connect("ameca_by_ada")
    bpy.ops.semblance.robot_live()
    assert robot.process.last("Follow").character == "Ada"

    def refuse(*_):
        raise robot.extension("core.errors").SemblanceError("No control of 'Ada' is on.")

    monkeypatch.setattr(robot.module, "known_character", refuse)
    robot.look()
    assert robot.process.last("Follow").character == "robot" and robot.session is not None


def test_a_process_that_ends_says_why_and_connect_works_again(robot, extension):
    session = robot.connect(state="LIVE")
    session.robot = replace(session.robot, links={"face": replace(session.robot.links["face"], protocol="maestro")})
    robot.process.state, robot.process.sentence = "ended", "The connection to the robot process broke."
    robot.module.tick()
    assert robot.session is None and "broke" in robot.module.HEAD.farewell
    assert "use the switch" in robot.module.HEAD.farewell
    robot.process = Process(extension("robot.client").Update)
    robot.connect()
    assert robot.session is not None and robot.module.HEAD.farewell == ""


def test_a_silent_process_is_noticed_but_not_a_busy_blender(robot, monkeypatch):
    session, clock = robot.connect(), [time.monotonic()]
    monkeypatch.setattr(robot.module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    clock[0] += 60.0  # a render
    robot.module.tick()
    assert not session.hangs
    for _ in range(20):
        clock[0] += 0.1
        robot.module.tick()
    assert session.hangs
    robot.say("LIMP")
    assert not session.hangs


def test_a_problem_that_is_over_is_forgotten(robot, monkeypatch):
    session, clock = robot.connect(), [time.monotonic()]
    monkeypatch.setattr(robot.module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    robot.say("LIVE", problem="The frame is 104 ms old; at most 100 may be.")
    assert "104 ms" in session.problem
    clock[0] += 7
    robot.say("LIVE", problem="The frame is 104 ms old; at most 100 may be.")
    assert session.problem == ""


def test_an_error_of_ours_lets_the_head_go(robot, monkeypatch, caplog):
    robot.connect(state="LIVE")
    monkeypatch.setattr(robot.module.robot_twin, "play", lambda *_: 1 / 0)
    robot.send()
    assert robot.session is None and robot.process.end == "asked" and "error of Semblance" in robot.module.HEAD.farewell


def test_another_file_a_scene_that_is_gone_and_a_disabled_extension_let_go(robot, extension):
    robot.connect(state="LIVE")
    bpy.ops.wm.read_homefile(use_empty=True)
    assert robot.session is None and robot.process.end == "asked" and "Another file" in robot.module.HEAD.farewell
    robot.process.state = "ended"
    robot.module.tick()
    robot.process = Process(extension("robot.client").Update)
    other = bpy.data.scenes.new("Other")
    robot.module.connect(other, robot.settings.robot(), robot.process)
    bpy.data.scenes.remove(other)
    robot.module.tick()
    assert robot.session is None and "'Other' is gone" in robot.module.HEAD.farewell
    first, robot.process = robot.process, Process(extension("robot.client").Update)
    robot.connect(state="LIVE")
    timer = robot.module._tick
    assert bpy.app.timers.is_registered(timer)
    addon_utils.disable(EXTENSION)
    assert (first.end, robot.process.end) == ("let go", "let go") and not bpy.app.timers.is_registered(timer)
    addon_utils.enable(EXTENSION)


def test_undo_and_redo_end_nothing(robot):
    bpy.ops.ed.undo_push(message="before")
    session = robot.connect(state="LIVE")
    bpy.context.scene.frame_end = 77
    bpy.ops.ed.undo_push(message="something else")
    bpy.ops.ed.undo()
    robot.send(jaw_open=0.5)
    assert robot.session is session and bpy.context.scene.frame_end == 250
    bpy.ops.ed.redo()
    robot.send(jaw_open=0.2)
    assert robot.session is session and robot.process.end == ""


def test_children_keep_the_users_files_where_extensions_may_and_terminals_find_the_heads(extension):
    folder = bpy.utils.extension_path_user(EXTENSION)
    assert os.environ["SEMBLANCE_USER"] == folder and folder not in os.environ["SEMBLANCE_RUNNING"]
    addon_utils.disable(EXTENSION)
    assert "SEMBLANCE_USER" not in os.environ and "SEMBLANCE_RUNNING" not in os.environ
    addon_utils.enable(EXTENSION)


def test_a_take_is_played(robot, tmp_path):
    scene = bpy.context.scene
    robot.connect()
    with pytest.raises(RuntimeError, match="Track a source first"):
        bpy.ops.semblance.robot_play(what="TAKE")
    write_take(jaw_performance(), tmp_path / "jaw.take")
    scene.semblance.source = str(tmp_path / "jaw.take")
    bpy.ops.semblance.robot_play(what="TAKE")
    play = robot.process.last("Play")
    assert play.values.shape[1] == 61 and play.values[:, play.names.index("jawOpen")].max() > 0.5
    robot.say("LIVE", playing="clip")
    assert robot.session.news == ""
    robot.say("HOLD")
    assert robot.session.news == "Played to its end."
    bpy.ops.semblance.robot_play(what="NONE")
    assert len(robot.process.last("Play").times_s) == 0


def test_keys_are_played_on_the_head_that_follows_the_character(robot):
    robot.connect("maestro_by_pip")
    with pytest.raises(RuntimeError, match="add Pip, or play the take"):
        bpy.ops.semblance.robot_play(what="ACTION")
    bpy.ops.semblance.character_add(character="Pip")
    pip = bpy.data.objects["Pip"]
    with pytest.raises(RuntimeError, match="no active Action"):
        bpy.ops.semblance.robot_play(what="ACTION")
    keyed(pip, {1: 0.0, 25: 0.1})
    bpy.ops.semblance.robot_play(what="ACTION")
    play = robot.process.last("Play")
    corner = play.values[:, play.names.index("corner_y.L")]
    assert len(play.times_s) == 25 and play.times_s[-1] == pytest.approx(1.0)
    assert np.ptp(corner) == pytest.approx(0.1, abs=1e-3)


def test_a_face_map_cannot_play_keys(robot):
    robot.connect("bus_head")
    with pytest.raises(RuntimeError, match="follows a face"):
        bpy.ops.semblance.robot_play(what="ACTION")
