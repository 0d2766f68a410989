"""What the Robot panel shows, its choices, the digital twin and the calibration of one head."""
from __future__ import annotations

import time
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from mathutils import Vector

from addon.robot.states import State

from .conftest import ROOT, build_mesh
from .test_control_panel import PREFERENCES, Layout
from .test_robot_session import Process, robot  # noqa: F401

PANELS = ("robot", "robot_meters", "robot_process", "robot_calibration")


class Sidebar(Layout):
    """Looks up what it is given and remembers what can be read and pressed."""

    alert = False

    def __init__(self, module) -> None:
        super().__init__(module)
        self.buttons: dict[str, str] = {}
        self.bars: list[float] = []

    def label(self, text="", icon="NONE"):
        self.icon(icon)
        self.texts.append(text)

    def operator(self, idname, text="", icon="NONE", depress=False):
        self.icon(icon)
        self.buttons[text or getattr(bpy.ops.semblance, idname.partition(".")[2]).get_rna_type().name] = idname
        return super().operator(idname, text, icon)

    def operator_menu_enum(self, idname, name, text="", icon="NONE"):
        assert name in getattr(bpy.ops.semblance, idname.partition(".")[2]).get_rna_type().properties
        self.texts.append(text)
        return SimpleNamespace()

    def prop(self, holder, name, text="", expand=False, slider=False, placeholder="", icon="NONE"):
        super().prop(holder, name)

    def progress(self, factor=0.0, text=""):
        assert 0 <= factor <= 1
        self.bars.append(round(factor, 2))

    def template_list(self, name, identifier, view, listed, owner, active, **options):
        cls = getattr(self.panel_module, name)
        for index, item in enumerate(getattr(view, listed)):
            cls.draw_item(cls, None, self, view, item, 0, owner, active, index)

    def icon(self, name):
        assert name in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items


@pytest.fixture
def draw(extension, monkeypatch):
    """Draws the panels for somebody who has seen the welcome; gives their layout."""
    module = extension("blender.robot_panel")
    monkeypatch.setattr(module, "is_new", lambda context: False)

    def shown() -> Sidebar:
        layout = Sidebar(module)
        context = SimpleNamespace(
            region=SimpleNamespace(width=400), preferences=PREFERENCES, scene=bpy.context.scene,
            window_manager=bpy.context.window_manager,
        )
        for name in PANELS:
            cls = getattr(module, f"SEMBLANCE_PT_{name}")
            if not hasattr(cls, "poll") or cls.poll(context):
                cls.draw(SimpleNamespace(layout=layout), context)
        module.SEMBLANCE_PT_robot.draw_header_preset(SimpleNamespace(layout=layout), context)
        return layout

    return shown


def text(layout: Sidebar) -> str:
    return " ".join(layout.texts)


def test_before_connect_the_simulated_head_is_chosen(draw, robot):  # noqa: F811
    layout = draw()
    assert "Ameca Like (30)" in layout.texts and {"Connect", "Calibrate This Head"} <= set(layout.buttons)
    assert "STOP" not in layout.buttons and "Arm lets it move" in text(layout)
    assert ("head", "SIMULATED") in layout.shown


def test_every_state_is_told_in_words_and_stop_is_always_there(draw, robot):  # noqa: F811
    session = robot.connect()
    states = State
    meanings = set()
    for state in states:
        robot.say(state, "Because of this.")
        layout = draw()
        assert "STOP" in layout.buttons and ("Because of this." in text(layout)) == (state != "LIVE"), state
        meanings.add(layout.texts[0])
    assert len(meanings) == len(states)
    session.status = None
    assert "Connecting ..." in draw().texts


def test_faults_and_problems_are_sentences(draw, robot):  # noqa: F811
    robot.connect()
    robot.say("STOPPED", "The servo of 'jaw_open' is 71 °C hot; let it cool down.",
              faults=("The servo of 'lip_upper' is 61 °C warm.",), problem="Nobody is seen.")
    said = text(draw())
    assert "71 °C hot" in said and "61 °C warm" in said and "Nobody is seen." in said
    assert "Arm Again" in draw().buttons


def test_long_names_stay_apart_in_a_narrow_sidebar(extension):
    shortened = extension("blender.robot_panel").shortened
    names = [f"Lip Bottom Depress {side}" for side in ("Left", "Middle", "Right")]
    assert [shortened(name, 18) for name in names] == ["Lip Bott Depr Left", "Lip Bot Dep Middle", "Lip Bot Depr Right"]
    assert shortened("eyelid_upper_left", 17) == "eyelid upper left" and shortened("jaw", 2) == "jaw"
    assert shortened("Eyelid Upper Left", 1) == "Eye Upp Left"


def test_meters_show_what_was_wanted_shaped_sent_and_read(draw, robot):  # noqa: F811
    robot.connect(state="LIVE")
    view = bpy.context.window_manager.semblance_robot
    assert [row.name for row in view.rows] == list(robot.session.robot.index)
    view.row = robot.session.robot.index["jaw_open"]
    robot.send(jaw_open=0.42)
    layout = draw()
    assert layout.bars.count(0.71) == 3 and layout.bars.count(0.5) == 3 * 17 and layout.texts.count("  –") == 18
    assert "Want +0.42  Shape +0.42  Sent +0.42" in layout.texts
    actuator = robot.session.robot.actuators[view.row]
    assert f"Sent {robot.session.sent.raw[view.row]:.5g} us" in layout.texts
    assert f"Channel {actuator.channel} on face, group mouth" in layout.texts
    robot.say("STOPPED", "Stop was pressed.")
    layout = draw()
    assert layout.bars == [] and "Gets nothing: its motor is off" in layout.texts


def test_designs_units_and_ports_are_chosen_by_name(draw, robot, tmp_path):  # noqa: F811
    settings = robot.settings
    bpy.ops.semblance.robot_design(design="bus_head")
    assert settings.design == "bus_head" and [row.name for row in settings.ports] == ["bus"]
    settings.head = "REAL"
    assert "Unit: not calibrated" in draw().texts
    with pytest.raises(RuntimeError, match="Choose the port of 'bus'"):
        bpy.ops.semblance.robot_connect()
    settings.ports["bus"].port = str(tmp_path / "no such port")
    made = settings.robot()
    assert settings.arguments(made)[-2:] == ["--link", f"bus={tmp_path}/no such port"]
    assert robot.session is None


def test_a_wrong_port_is_refused_by_the_process_in_one_sentence(robot, tmp_path):  # noqa: F811
    settings = robot.settings
    bpy.ops.semblance.robot_design(design="maestro_head")
    settings.head = "REAL"
    settings.ports["face"].port = str(tmp_path / "nowhere")
    bpy.ops.semblance.robot_connect()
    end = time.monotonic() + 15
    while robot.session is not None and time.monotonic() < end:
        robot.module.tick()
        time.sleep(0.05)
    assert robot.session is None and "There is no port" in robot.module.HEAD.farewell


def test_an_own_map_is_checked_before_it_is_chosen(robot, tmp_path):  # noqa: F811
    broken = tmp_path / "broken.toml"
    broken.write_text("schema = 1\nname = 'x'\ncontrols = 'expression'\nspeed = 3\n")
    with pytest.raises(RuntimeError, match=r"broken.toml.*speed"):
        bpy.ops.semblance.robot_design_open(filepath=str(broken))
    assert robot.settings.design == "ameca_like"
    own = tmp_path / "own.toml"
    own.write_text((ROOT / "rigs" / "robots" / "maestro_head" / "actuators.toml").read_text())
    bpy.ops.semblance.robot_design_open(filepath=str(own))
    assert robot.settings.info().count == 18 and robot.settings.robot().path == own


def test_an_own_map_beside_the_blend_is_found_in_a_new_session(robot, extension, tmp_path):  # noqa: F811
    text = (ROOT / "rigs" / "robots" / "maestro_head" / "actuators.toml").read_text()
    (tmp_path / "own.toml").write_text(text)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    settings = robot.settings
    settings.design, settings.head = "//own.toml", "REAL"
    settings.ports.add().name = "face"
    settings.ports["face"].port = "/dev/nothing"
    assert settings.info() is None  # what Blender knew of it is gone with the last session
    bpy.ops.semblance.robot_connect()
    assert settings.info().count == 18 and settings.ports["face"].port == "/dev/nothing"
    assert robot.session.robot.path == tmp_path / "own.toml"


def test_a_twin_of_bars_shows_what_was_sent_and_leaves_nothing(robot):  # noqa: F811
    other = build_mesh("Mine", ("jawOpen",))
    other.location.x = 3
    bpy.context.view_layer.update()
    before = {kind: set(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "curves", "collections")}
    robot.connect(state="LIVE")
    bpy.ops.semblance.robot_twin()
    twin = robot.settings.twin
    assert twin.hide_render and all(item.hide_select for item in twin.all_objects)
    bpy.context.view_layer.update()
    corners = [(item.matrix_world @ Vector(c)).x for item in twin.all_objects
               for c in item.bound_box]
    assert min(corners) > 4  # Mine ends there
    robot.send(jaw_open=0.5, neck_yaw=-1.0)
    shown = {part.name: part.item.scale.x for part in robot.settings.parts if part.name}
    assert shown["jaw_open"] == pytest.approx(0.45) and shown["neck_yaw"] == pytest.approx(-0.9)
    assert shown["lip_upper"] == 0
    keep = bpy.data.objects.new("Kept", None)
    twin.objects.link(keep)
    bpy.ops.semblance.robot_twin()
    assert robot.settings.twin is None and keep.name in bpy.context.scene.objects
    bpy.data.objects.remove(keep)
    assert before == {kind: set(getattr(bpy.data, kind)) for kind in before}


def test_ada_is_the_twin_of_a_head_with_her_controls_and_no_character(robot, extension):  # noqa: F811
    bpy.ops.semblance.character_add(character="Ada")
    mine = bpy.data.objects["Ada"]
    objects = set(bpy.data.objects)
    robot.connect("ameca_like", "LIVE")
    bpy.ops.semblance.robot_twin()
    root = next(item for item in robot.settings.twin.all_objects if item.semblance_is_twin)
    binding, profile = extension("blender.binding"), extension("core.rig_profile").find_profile("Ada")
    controls = profile.control_set
    assert binding.find_characters(bpy.context.scene, profile) == [mine]
    rest = binding.bind(profile, bpy.context.scene, mine).read()
    robot.send(**{"Jaw Pitch": -1.0, "Brow Inner Left": -0.5})
    posed = binding.bind(profile, bpy.context.scene, root).read()
    wanted = controls.neutral.copy()
    wanted[[controls.names.index(name) for name in robot.session.robot.index]] = robot.session.sent.raw
    np.testing.assert_allclose(posed, controls.clamped(wanted), atol=1e-4)
    assert np.ptp(posed - rest) > 0.4
    np.testing.assert_allclose(binding.bind(profile, bpy.context.scene, mine).read(), rest)
    bpy.ops.semblance.robot_twin()
    assert set(bpy.data.objects) == objects


def test_a_twin_survives_undo_and_parts_that_are_deleted(robot):  # noqa: F811
    robot.connect("ameca_like", "LIVE")
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.semblance.robot_twin()
    bpy.ops.ed.undo_push(message="twin")
    robot.send(**{"Jaw Pitch": 1.0})
    bpy.ops.ed.undo()
    robot.send(**{"Jaw Pitch": 0.5})
    assert robot.settings.twin is None and robot.session is not None
    bpy.ops.ed.redo()
    robot.send(**{"Jaw Pitch": 0.7})
    root = next(item for item in robot.settings.twin.all_objects if item.semblance_is_twin)
    bpy.data.objects.remove(root)
    robot.send(**{"Jaw Pitch": 0.2})
    assert robot.session is not None
    bpy.ops.semblance.robot_twin()
    assert robot.settings.twin is None


def test_calibration_jogs_marks_and_writes_a_unit(robot, draw, extension, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path))
    calibrating = extension("robot.calibrating")
    settings, view = robot.settings, bpy.context.window_manager.semblance_robot
    robot.connect()
    robot.session.calibration = calibrating.Calibration(robot.session.robot, "head-7")
    view.unit, view.jog = "head-7", 0.5
    assert "1 of 18: gaze_pitch" in draw().texts and "Arm the head" in text(draw())
    robot.module.tick()
    assert "Jog" not in robot.process.kinds()  # limp: nothing is asked for
    robot.say("LIVE")
    for _ in range(30):
        robot.session._ticked_s -= 0.1
        robot.module.tick()
    jog = robot.process.last("Jog")
    assert jog.actuator == "gaze_pitch" and jog.u == pytest.approx(0.5)
    bpy.ops.semblance.robot_mark(which="high")
    design = robot.session.robot.actuators[0].travel
    half = round(design.neutral + 0.5 * (design.high - design.neutral))
    assert robot.session.calibration.travel["gaze_pitch"].high == half
    assert f"Set High  ({half})" in draw().buttons
    with pytest.raises(RuntimeError, match="low of 'gaze_pitch' was not set"):
        view.jog = 0.5
        bpy.ops.semblance.robot_mark(which="low")
    bpy.ops.semblance.robot_step(by="NEXT")
    assert view.jog == 0 and view.row == 1 and "2 of 18: gaze_yaw_left" in draw().texts
    view.row, view.jog = 10, 0.3
    robot.module.tick()
    assert robot.session.calibration.actuator.name == "jaw_open" and view.jog == 0
    view.unit = "../head"
    with pytest.raises(RuntimeError, match="cannot name a head"):
        bpy.ops.semblance.robot_unit_save()
    view.unit = "head-8"
    bpy.ops.semblance.robot_unit_save()
    assert settings.unit == "head-8" and robot.session is None
    assert settings.robot().actuators[0].travel.high == half
    settings.design = "maestro_head"
    robot.process = Process(extension("robot.client").Update)
    bpy.ops.semblance.robot_unit(unit="head-8")
    assert settings.unit == "head-8"
