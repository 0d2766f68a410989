"""Live values on characters, and back: with a client that says what each test wants, as the worker would."""
from __future__ import annotations

import time
from types import ModuleType

import addon_utils
import bpy
import numpy as np
import pytest

from .conftest import EXTENSION, build_mixed_rig
from .told import Told


class Worker(Told):
    """Stands in for LiveClient."""

    stopped = False

    def stop(self) -> None:
        self.stopped = True


class Live:
    """A session in the present scene."""

    def __init__(self, extension) -> None:
        self.module: ModuleType = extension("blender.live_session")
        self.messages: ModuleType = extension("live.messages")
        self.worker = Worker(extension("live.client").Update)
        self.settings.kind, self.settings.video = "VIDEO", "/nowhere/clip.mp4"
        self.clock_s = 0.0

    @property
    def settings(self) -> bpy.types.PropertyGroup:
        return bpy.context.scene.semblance_live

    def start(self):
        return self.module.start(bpy.context.scene, self.worker)

    def show(self, values: dict[str, np.ndarray]) -> None:
        """One frame for each character."""
        self.clock_s += 1 / 30
        for name, each in values.items():
            self.worker.next.controls[name] = self.messages.Controls(
                name, self.clock_s, time.monotonic(), np.asarray(each, np.float32))
        self.module.tick()


@pytest.fixture
def live(extension):
    made = Live(extension)
    yield made
    made.module.stop()


@pytest.fixture
def pip(live):
    bpy.ops.semblance.character_add(character="Pip")
    return bpy.data.objects["Pip"]


@pytest.fixture
def pose(pip, extension):
    """Pip with everything at its maximum, and at rest."""
    controls = extension("core.rig_profile").find_profile("Pip").control_set
    return {"Pip": controls.maximum}, {"Pip": controls.neutral}


def values(root: bpy.types.Object) -> dict[str, object]:
    """All that an animator sees on the bones."""
    found = {}
    for bone in root.pose.bones:
        found[bone.name] = (*bone.location, *bone.rotation_euler, *bone.rotation_quaternion, *bone.scale)
        found |= {f"{bone.name}/{name}": bone[name] for name in bone.keys()}  # noqa: SIM118 - not a mapping
    return found


def moved(root: bpy.types.Object) -> float:
    return root.pose.bones["CTRL-mouth_corner.L"].location.y


def keyed(root: bpy.types.Object, frames: dict[int, float]) -> bpy.types.Action:
    """The artist's own keys on a corner of the mouth."""
    bone = root.pose.bones["CTRL-mouth_corner.L"]
    for frame, value in frames.items():
        bone.location.y = value
        bone.keyframe_insert("location", index=1, frame=frame)
    bpy.context.scene.frame_set(bpy.context.scene.frame_current)
    return root.animation_data.action


def keys(action: bpy.types.Action) -> list[tuple[float, ...]]:
    bag = action.layers[0].strips[0].channelbags[0]
    return [tuple(point.co) for curve in bag.fcurves for point in curve.keyframe_points]


def test_a_source_is_needed(live):
    live.settings.video = ""
    with pytest.raises(RuntimeError, match="Choose the video"):
        bpy.ops.semblance.live_toggle()
    assert live.module.LIVE.current is None


def test_start_tells_the_worker_all_and_the_newest_values_arrive(live, pip, pose):
    open_pose, _ = pose
    live.start()
    assert live.worker.last("Open") == live.messages.Open("/nowhere/clip.mp4", loop=True)
    character, = live.worker.last("SetCast").characters
    assert (character.id, character.strength, character.face, character.rig_profile.name) == ("Pip", 1, 0, "Pip")
    assert live.worker.last("LiveSettings").when_lost == "ease"
    live.show(open_pose)
    assert moved(pip) == pytest.approx(0.1) == open_pose["Pip"][0]


def test_stop_gives_back_exactly_what_was_there(live, pip, pose):
    pip.pose.bones["CTRL-mouth_corner.L"].location = (0.1, 0.25, -0.3)
    before = values(pip)
    live.start()
    for each in (*pose, pose[0]):
        live.show(each)
    assert values(pip) != before
    live.module.stop()
    assert values(pip) == before and live.worker.stopped and len(live.settings.before) == 0


def test_properties_keys_and_whole_numbers_come_back_as_they_were(live, extension):
    root = build_mixed_rig()
    bpy.context.view_layer.update()
    root.select_set(True)
    assert bpy.ops.semblance.rig_use() == {"FINISHED"}
    head, face = root.pose.bones["head"], bpy.data.objects["Face"].data.shape_keys.key_blocks["jawOpen"]
    head["cheek puff"], root["tongue"], face.value = 0.1, 3, 0.5
    rig = bpy.context.scene.semblance.rigs[0]
    for item in rig.controls:
        item.enabled = True
    live.start()
    puppet = live.module.LIVE.current.puppets["Mixed"]
    high = [item.maximum for item in rig.controls]
    live.show({"Mixed": high})
    assert len(high) == puppet.count and face.value == pytest.approx(1)
    live.module.stop()
    assert (head["cheek puff"], root["tongue"], type(root["tongue"])) == (0.1, 3, int) and face.value == 0.5


def test_only_what_has_changed_is_written(live, pip, pose):
    live.start()
    live.show(pose[0])
    bone = pip.pose.bones["CTRL-mouth_corner.L"]
    bone.location.y = 0.123  # an animator's hand, which the same values again do not touch
    live.show(pose[0])
    assert bone.location.y == pytest.approx(0.123)
    live.show(pose[1])
    assert bone.location.y == pytest.approx(0)


def test_an_action_stays_and_live_wins_over_it_also_while_scrubbing(live, pip, pose):
    action = keyed(pip, {1: 0.0, 11: -1.0})
    before = keys(action)
    scene = bpy.context.scene
    live.start()
    live.show(pose[0])
    high = moved(pip)
    bpy.context.view_layer.update()
    assert moved(pip) == high > 0
    scene.frame_set(11)
    evaluated = pip.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert moved(pip) == high and moved(evaluated) == pytest.approx(high)
    live.module.stop()
    bpy.context.view_layer.update()
    assert pip.animation_data.action == action and keys(action) == before and moved(pip) == pytest.approx(-1)


def test_the_rest_of_an_action_goes_on_while_live(live, pip, pose):
    body = pip.pose.bones["CTRL-mouth_corner.L"]
    for frame, value in ((1, 0.0), (11, 5.0)):
        body.scale.x = value
        body.keyframe_insert("scale", index=0, frame=frame)
    live.start()
    live.show(pose[0])
    bpy.context.scene.frame_set(11)
    assert body.scale.x == pytest.approx(5) and moved(pip) > 0


def test_animation_can_be_watched_while_live(live, pip, pose):
    keyed(pip, {1: -0.5, 11: -1.0})
    live.start()
    live.show(pose[0])
    live.settings.show = "TAKE"
    live.show(pose[0])
    bpy.context.view_layer.update()
    assert moved(pip) == pytest.approx(-0.5)
    live.settings.show = "LIVE"
    live.show(pose[0])
    assert moved(pip) > 0


def test_parts_that_are_off_stay_with_the_animator(live, pip, pose):
    live.start()
    live.show(pose[0])
    live.settings.mouth = False
    live.module.LIVE.current.look(bpy.context.scene)
    live.show(pose[0])
    assert moved(pip) == 0 and pip.pose.bones["CTRL-brow_inner.L"].location.y > 0
    assert live.worker.last("LiveSettings").regions["mouth"] is False


def test_style_gain_and_face_reach_the_worker_while_live(live, pip):
    live.start()
    actor = bpy.context.scene.semblance.actors[0]
    actor.strength, actor.mirror, actor.face = 1.5, True, 2
    bpy.ops.semblance.controls_list()
    bpy.context.scene.semblance.rigs[0].controls["brow_inner.L"].gain = 0.5
    live.module.LIVE.current.look(bpy.context.scene)
    character, = live.worker.last("SetCast").characters
    assert (character.strength, character.mirror, character.face) == (1.5, True, 1)
    gains = {each.name: each.gain for each in character.rig_profile.control_set.controls}
    assert gains["brow_inner.L"] == 0.5


def test_two_characters_each_with_its_own_values(live, pip, pose, extension):
    bpy.ops.semblance.character_add(character="Gus")
    for actor in bpy.context.scene.semblance.actors:
        actor.use = True
    live.start()
    gus = extension("core.rig_profile").find_profile("Gus").control_set
    live.show({"Pip": pose[0]["Pip"], "Gus": gus.neutral})
    assert moved(pip) > 0
    bpy.context.scene.semblance.actors[0].use = False
    live.module.LIVE.current.look(bpy.context.scene)
    assert moved(pip) == 0 and [each.id for each in live.worker.last("SetCast").characters] == ["Gus"]


def test_a_deleted_character_ends_nothing(live, pip, pose):
    live.start()
    live.show(pose[0])
    bpy.data.objects.remove(pip)
    live.show(pose[0])
    live.module.LIVE.current.look(bpy.context.scene)
    assert live.module.LIVE.current is not None and live.worker.last("SetCast").characters == ()
    live.module.stop()


def test_a_bone_that_is_deleted_is_bound_around(live, pip, pose):
    live.start()
    live.show(pose[0])
    bpy.context.view_layer.objects.active = pip
    bpy.ops.object.mode_set(mode="EDIT")
    pip.data.edit_bones.remove(pip.data.edit_bones["CTRL-mouth_corner.L"])
    live.show(pose[1])  # in edit mode nothing is written
    bpy.ops.object.mode_set(mode="OBJECT")
    live.show(pose[1])
    live.show(pose[0])
    live.module.LIVE.current.look(bpy.context.scene)
    live.show(pose[1])
    assert live.module.LIVE.current is not None
    assert pip.pose.bones["CTRL-mouth_corner.R"].location.y == pytest.approx(0)


def test_undo_while_live_and_after_it(live, pip, pose):
    bpy.ops.ed.undo_push(message="before")
    live.start()
    live.show(pose[0])
    bpy.context.scene.frame_end = 77
    bpy.ops.ed.undo_push(message="something else")
    live.show(pose[1])
    live.show(pose[0])
    bpy.ops.ed.undo()
    live.show(pose[0])
    assert moved(bpy.data.objects["Pip"]) > 0 and bpy.context.scene.frame_end == 250
    live.module.stop()
    assert moved(bpy.data.objects["Pip"]) == 0
    bpy.ops.ed.redo()  # to a moment at which Pip was moved by the performer
    assert bpy.context.scene.frame_end == 77 and moved(bpy.data.objects["Pip"]) == 0
    assert len(live.settings.before) == 0


def test_a_hundred_undo_and_redo_steps_at_random_while_live(live, pip, pose):
    random = np.random.default_rng(0)
    for name in "abcdef":
        bpy.context.scene[name] = 1
        bpy.ops.ed.undo_push(message=name)
    live.start()
    for step in range(100):
        live.show(pose[step % 2])
        way = bpy.ops.ed.undo if random.random() < 0.5 else bpy.ops.ed.redo
        if way.poll():
            way()
        if step % 20 == 10:
            bpy.ops.ed.undo_push(message="while live")
    live.show(pose[0])
    assert live.module.LIVE.current is not None and moved(bpy.data.objects["Pip"]) > 0
    live.module.stop()
    assert moved(bpy.data.objects["Pip"]) == 0 and len(live.settings.before) == 0


def test_a_saved_file_holds_nothing_live(live, pip, pose, tmp_path):
    live.start()
    live.show(pose[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "live.blend"), copy=True)
    assert moved(pip) == 0 and len(live.settings.before) == 0
    live.show(pose[0])
    assert moved(pip) > 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "live.blend"))
    assert moved(bpy.data.objects["Pip"]) == 0 and len(live.settings.before) == 0


def test_another_file_or_a_disabled_extension_ends_live(live, pip, extension, pose):
    live.start()
    live.show(pose[0])
    bpy.ops.wm.read_homefile(use_empty=True)
    assert live.module.LIVE.current is None and live.worker.stopped and "another file" in live.module.LIVE.farewell
    live.settings.kind = "CAMERA"
    live.worker.stopped = False
    live.start()
    timer = live.module._tick
    assert bpy.app.timers.is_registered(timer)
    addon_utils.disable(EXTENSION)
    assert live.worker.stopped and not bpy.app.timers.is_registered(timer)
    addon_utils.enable(EXTENSION)


def test_blender_quitting_ends_the_worker_and_the_timer_and_touches_nothing(live, pip, pose, extension):
    live.start()
    live.show(pose[0])
    extension("blender.registration")._before_exit()
    assert live.worker.stopped and not bpy.app.timers.is_registered(live.module._tick) and moved(pip) > 0
    live.module.tick()


def test_live_waits_while_blender_renders(live, pip, pose, monkeypatch):
    live.start()
    live.show(pose[1])
    monkeypatch.setattr(live.module, "is_rendering", lambda: True)
    live.show(pose[0])
    bpy.context.scene.frame_set(5)
    assert moved(pip) == 0 and live.module.LIVE.current is not None


def test_a_scene_that_is_gone_and_a_worker_that_ended_say_so(live, pip, pose):
    scene = bpy.data.scenes.new("Other")
    scene.semblance_live.kind = "CAMERA"
    live.module.start(scene, live.worker)
    bpy.data.scenes.remove(scene)
    live.module.tick()
    assert live.module.LIVE.current is None and "'Other' is gone" in live.module.LIVE.farewell
    live.start()
    live.show(pose[0])
    live.worker.state, live.worker.sentence = "ended", "The live worker was ended from outside (signal 9)."
    live.module.tick()
    assert live.module.LIVE.current is None and "signal 9" in live.module.LIVE.farewell and moved(pip) == 0


def test_an_autosaved_file_is_put_back_when_it_is_opened(live, pip, pose, tmp_path, extension):
    live.start()
    live.show(pose[0])
    saving = live.module._before_saving
    bpy.app.handlers.save_pre.remove(saving)  # auto-save calls no handler
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "auto.blend"), copy=True)
    bpy.app.handlers.save_pre.append(saving)
    live.module.stop()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "auto.blend"))
    assert moved(bpy.data.objects["Pip"]) == 0 and len(live.settings.before) == 0


def test_who_cannot_be_moved_is_named_and_the_others_are(live, pip, pose):
    bpy.ops.semblance.character_add(character="Gus")
    gus = bpy.data.objects["Gus"]
    for bone in gus.pose.bones:
        bone.lock_location = bone.lock_rotation = (True, True, True)
    for actor in bpy.context.scene.semblance.actors:
        actor.use = True
    session = live.start()
    live.show(pose[0])
    assert moved(pip) > 0 and "'Gus' carries none" in session.cast_problem
    assert [each.id for each in live.worker.last("SetCast").characters] == ["Pip"]
