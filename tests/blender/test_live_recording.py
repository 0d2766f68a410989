"""Takes of a live performance: where they begin, how long they are, what they key, retakes, parts played again."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from addon.core import coefficients
from addon.core.frames import ExpressionTrack
from addon.core.rig_profile import find_profile
from addon.core.take import Take, write_take
from addon.live.casting import Cast, CastMember

from .conftest import EXTENSION
from .test_live_session import live, pip, pose  # noqa: F401 - fixtures

CORNER = "CTRL-mouth_corner.L"


def performance(seconds: float, fps: float, first_s: float = 100.0, height: float = 1.0) -> Take:
    """A smile that grows from nothing to `height` and back, as a camera that had been on for a while would see it."""
    times = first_s + np.arange(round(seconds * fps)) / fps
    values = np.zeros((len(times), coefficients.COUNT), np.float32)
    for side in ("Left", "Right"):
        values[:, coefficients.INDEX[f"mouthSmile{side}"]] = height * np.sin(np.pi * np.linspace(0, 1, len(times)))
    count = len(times)
    track = ExpressionTrack(times, values, np.zeros((count, 128), np.float32), np.zeros((count, 2, 2), np.float32),
                            np.zeros((count, 3), np.float32), np.ones(count, np.float32))
    return Take(np.ones(count, bool), np.zeros((0, 478, 3), np.float32), track, track,
                {"kind": "camera", "name": "camera", "fps": fps, "warnings": []})


@pytest.fixture
def recorded(live, pip, tmp_path):  # noqa: F811
    """Plays the worker's part of a recording: writes the take and says so."""
    bpy.context.preferences.addons[EXTENSION].preferences.takes_folder = str(tmp_path)
    live.settings.countdown, live.settings.beep = 0, False
    live.start()
    live.worker.next.status = live.messages.Status("running", recorded_s=1.0)
    live.module.tick()

    def record(take: Take, what: str = "NEW", markers: tuple = (), second: Take | None = None):
        bpy.ops.semblance.live_record(what=what)
        path = Path(live.worker.last("Record").path)
        bpy.ops.semblance.live_record()
        assert live.worker.last("StopRecording")
        write_take(take, path)
        if second is not None:
            write_take(second, path.with_stem(f"{path.stem} face 2"))
        length = float(take.times_s[-1] - take.times_s[0])
        live.worker.next.takes.append(
            live.messages.TakeDone(str(path), len(take), length, float(take.times_s[0]), markers))
        live.module.tick()
        pip = bpy.data.objects["Pip"]
        return pip.animation_data.action if pip.animation_data else None

    return record


def most(action: bpy.types.Action) -> float:
    """How far any of its curves goes."""
    curves = action.layers[0].strips[0].channelbags[0].fcurves
    return max(np.ptp([point.co.y for point in each.keyframe_points]) for each in curves)


def curve(action: bpy.types.Action) -> np.ndarray:
    """Frames and values [N, 2] of a corner of the mouth."""
    bag = action.layers[0].strips[0].channelbags[0]
    found = bag.fcurves.find(f'pose.bones["{CORNER}"].location', index=1)
    points = np.empty(len(found.keyframe_points) * 2, np.float32)
    found.keyframe_points.foreach_get("co", points)
    return points.reshape(-1, 2)


def test_a_take_begins_at_the_current_frame_and_is_marked(recorded, live):  # noqa: F811
    scene = bpy.context.scene
    scene.frame_set(31)
    action = recorded(performance(2, 30), markers=((101.0, "laugh"),))
    assert action.name == "take 01" and curve(action)[0, 0] == 31
    assert [(each.name, each.frame) for each in scene.timeline_markers] == [("take 01 begins", 31), ("laugh", 55)]
    assert "take 01" in live.module.LIVE.current.news and "2.0 s from frame 31" in live.module.LIVE.current.news
    assert live.settings.show == "TAKE" and live.module.LIVE.current.recording is None


def test_a_take_can_be_refined_without_performing_again(recorded, live):  # noqa: F811
    with pytest.raises(RuntimeError, match="no take yet"):
        bpy.ops.semblance.live_refine()
    bpy.context.scene.frame_set(31)
    recorded(performance(2, 30))
    live.module.stop()
    bpy.ops.semblance.live_refine()
    bpy.context.scene.semblance.strength = 2
    assert bpy.ops.semblance.take_apply() == {"FINISHED"}
    action = bpy.data.objects["Pip"].animation_data.action
    assert action.name.startswith("take 01") and action.frame_range[0] == 31 and len(bpy.data.actions) == 2


def test_29_97_pictures_a_second_on_24_frames_end_within_one_frame(recorded):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base, scene.frame_start = 24, 1.0, 1
    action = recorded(performance(120, 30 / 1.001))
    frames = curve(action)[:, 0]
    length = (round(120 * 30 / 1.001) - 1) / (30 / 1.001)
    assert abs((frames[-1] - frames[0]) - length * 24) < 1 and np.all(np.diff(frames) == 1)
    assert scene.render.fps == 24 and scene.frame_end == frames[-1]


def test_one_undo_takes_one_take_away(recorded, live):  # noqa: F811
    bpy.ops.ed.undo_push(message="before")
    recorded(performance(1, 30))
    assert bpy.data.objects["Pip"].animation_data.action.name == "take 01"
    bpy.ops.ed.undo()
    assert not bpy.data.objects["Pip"].animation_data or not bpy.data.objects["Pip"].animation_data.action
    bpy.ops.ed.redo()
    assert bpy.data.objects["Pip"].animation_data.action.name == "take 01"
    assert live.module.LIVE.current is not None


def test_an_artists_action_keeps_its_keys_and_its_life(recorded):
    root = bpy.data.objects["Pip"]
    root.pose.bones[CORNER].keyframe_insert("location", index=1, frame=5)
    own = root.animation_data.action
    action = recorded(performance(1, 30))
    assert action != own and own.use_fake_user and len(curve(own)) == 1
    assert len(curve(action)) == 24


def test_a_retake_is_another_action_on_the_same_frame(recorded, live):  # noqa: F811
    bpy.context.scene.frame_set(10)
    first = recorded(performance(1, 30))
    bpy.context.scene.frame_set(200)
    second = recorded(performance(1, 30, height=0.5), "RETAKE")
    assert (first.name, second.name) == ("take 01", "take 02") and curve(second)[0, 0] == 10
    assert first.use_fake_user and len(curve(first)) == 24
    with pytest.raises(RuntimeError, match="The take begins at frame 10"):
        live.settings.punch_first = 3
        bpy.ops.semblance.live_record(what="PUNCH")


def test_only_the_part_played_again_is_replaced_also_beside_an_animators_own_edits(recorded, live):  # noqa: F811
    bpy.context.scene.frame_set(1)
    first = recorded(performance(2, 24))
    before = curve(first)
    bag = first.layers[0].strips[0].channelbags[0]
    edited = bag.fcurves.find(f'pose.bones["{CORNER}"].location', index=1).keyframe_points[2]
    edited.co.y, edited.interpolation = 0.077, "CONSTANT"
    live.settings.punch_first, live.settings.punch_last = 11, 20
    whole = performance(2, 24, height=0.2)  # the worker's splice gives the whole take; here all of it is new
    second = recorded(whole, "PUNCH")
    record = live.worker.last("Record")
    assert record.at_s == pytest.approx(10 / 24) and Path(record.punch_into).name == "take 01.take"
    after = curve(second)
    inside = (after[:, 0] >= 11) & (after[:, 0] <= 20)
    assert second.name == "take 02" and len(after) == len(before) and inside.sum() == 10
    assert np.all(after[inside, 1] < 0.5 * before[inside, 1])
    outside = ~inside
    outside[2] = False
    assert np.array_equal(after[outside], before[outside]) and after[2, 1] == pytest.approx(0.077)
    kept = second.layers[0].strips[0].channelbags[0].fcurves.find(f'pose.bones["{CORNER}"].location', index=1)
    assert kept.keyframe_points[2].interpolation == "CONSTANT" and kept.keyframe_points[12].interpolation == "LINEAR"
    assert bpy.data.objects["Pip"].animation_data.action_slot is not None
    assert {each.name for each in bpy.data.actions} == {"take 01", "take 02"}


def test_parts_that_are_off_get_no_keys(recorded, live):  # noqa: F811
    live.settings.mouth = False
    action = recorded(performance(1, 30))
    bag = action.layers[0].strips[0].channelbags[0]
    assert bag.fcurves.find(f'pose.bones["{CORNER}"].location', index=1) is None and len(bag.fcurves) > 5


def test_a_take_without_a_character_is_kept(recorded, live):  # noqa: F811
    bpy.data.objects.remove(bpy.data.objects["Pip"])
    bpy.ops.semblance.live_record()
    path = Path(live.worker.last("Record").path)
    bpy.ops.semblance.live_record()
    write_take(performance(1, 30), path)
    live.worker.next.takes.append(live.messages.TakeDone(str(path), 30, 1.0, 100.0))
    live.module.tick()
    assert path.is_file() and f"kept as '{path}'" in live.module.LIVE.current.problem


def test_a_recording_that_comes_to_nothing_says_so_and_the_next_can_begin(recorded, live):  # noqa: F811
    bpy.ops.semblance.live_record()
    bpy.ops.semblance.live_record()
    live.worker.next.problems.append("No face was seen while it was recorded, so there is no take.")
    live.module.tick()
    session = live.module.LIVE.current
    assert session.recording is None and "No face was seen" in session.problem
    bpy.ops.semblance.live_record()
    live.worker.next.status = live.messages.Status("stalled")
    session.recording._begin_s -= 10
    live.module.tick()
    assert session.recording is None and live.worker.last("StopRecording")
    assert recorded(performance(1, 30)).name == "take 01"


def test_stop_live_while_recording_keeps_the_take(recorded, live):  # noqa: F811
    bpy.ops.semblance.live_record()
    path = Path(live.worker.last("Record").path)
    bpy.ops.semblance.live_toggle()
    assert live.worker.last("StopRecording") and live.module.LIVE.current is not None
    write_take(performance(1, 30), path)
    live.worker.next.takes.append(live.messages.TakeDone(str(path), 30, 1.0, 100.0))
    live.module.tick()
    assert live.module.LIVE.current is None and bpy.data.objects["Pip"].animation_data.action.name == "take 01"


def test_the_frame_that_was_shown_when_the_first_sample_came(extension, live, monkeypatch):  # noqa: F811
    module = extension("blender.live_recording")
    recording = module.Recording(Path("a.take"), 1, 0.0, False, False)
    monkeypatch.setattr(module, "is_playing", lambda: True)
    scene, now = bpy.context.scene, [recording._begin_s]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for step in range(60):  # the timeline is at frame 50 when the recording begins, 24 a second; pictures 30 ms late
        now[0] = recording._begin_s + step / 60
        scene.frame_set(50 + int(step * 24 / 60))
        controls = [live.messages.Controls("Pip", 7 + step / 60 - 0.03, now[0] - 0.03, np.zeros(3, np.float32))]
        assert not recording.tick(scene, controls)
    assert recording.first_frame(7.0) == 50 and recording.first_frame(7.5) == 62


def test_the_timeline_that_was_started_for_a_take_ends_it(extension, monkeypatch):
    module = extension("blender.live_recording")
    playing = [False]
    monkeypatch.setattr(module, "is_playing", lambda: playing[0])
    monkeypatch.setattr(module, "switch_playing", lambda: playing.__setitem__(0, not playing[0]) or True)
    scene = bpy.context.scene
    recording = module.Recording(Path("a.take"), 20, 0.0, True, False)
    assert not recording.tick(scene, []) and playing[0] and scene.frame_current == 20
    scene.frame_set(250)
    assert not recording.tick(scene, [])
    scene.frame_set(1)  # Blender begins again
    assert recording.tick(scene, [])
    recording.stop()
    assert not playing[0] and not recording.tick(scene, [])


def test_a_countdown_beeps_each_second_and_higher_on_the_first_frame(extension, monkeypatch):
    module = extension("blender.live_recording")
    beeps: list[float] = []
    monkeypatch.setattr(module, "_sound", beeps.append)
    recording = module.Recording(Path("a.take"), 1, 3.0, False, True)
    begin, now = recording._begin_s, [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    for step in range(50):
        now[0] = begin - 3 + step / 10 + 1e-3
        recording.tick(bpy.context.scene, [])
    assert beeps == [880, 880, 880, 1760]


def add_gus() -> bpy.types.PropertyGroup:
    """Beside Pip, and ticked too."""
    bpy.ops.semblance.character_add(character="Gus")
    actors = bpy.context.scene.semblance.actors
    for actor in actors:
        actor.use = True
    return actors[1]


def second_face(take: Take, begins_s: float) -> Take:
    """The take of another performer, who came so much later."""
    return replace(take, source=take.source | {"face": 1, "begins_s": begins_s})


def test_another_performer_has_a_take_of_its_own(recorded, live):  # noqa: F811
    add_gus().face = 2
    recorded(performance(1, 30, height=0.0), second=second_face(performance(1, 30, first_s=7.0), 0.5))
    assert live.module.LIVE.current.problem == ""
    smile, still = (bpy.data.objects[name].animation_data.action for name in ("Gus", "Pip"))
    assert (still.name, smile.name) == ("take 01 Pip", "take 01 Gus")
    assert smile.frame_range[0] == 13 and still.frame_range[0] == 1  # the second face came half a second later
    assert np.ptp(curve(still)[:, 1]) < 1e-3 < most(smile)


def test_another_performer_plays_a_part_again_too(recorded, live):  # noqa: F811
    add_gus().face = 2
    recorded(performance(2, 24), second=second_face(performance(1.5, 24), 0.5))
    live.settings.punch_first, live.settings.punch_last = 21, 30
    whole = second_face(performance(1.5, 24, height=0.2), 0.5)  # as the worker splices it
    recorded(performance(2, 24, height=0.2), "PUNCH", second=whole)
    gus = bpy.data.objects["Gus"].animation_data.action
    assert gus.name == "take 02 Gus" and tuple(gus.frame_range) == (13, 48)
    bag, old = (action.layers[0].strips[0].channelbags[0] for action in (gus, bpy.data.actions["take 01 Gus"]))
    new, before = (np.array([[each.evaluate(frame) for frame in range(13, 49)] for each in of.fcurves])
                   for of in (bag, old))
    inside = slice(21 - 13, 31 - 13)
    assert np.ptp(new[:, inside] - before[:, inside]) > 0.01
    assert np.array_equal(np.delete(new, np.r_[inside], 1), np.delete(before, np.r_[inside], 1))


def test_whose_performer_was_not_seen_gets_no_keys(recorded, live):  # noqa: F811
    add_gus().face = 2
    recorded(performance(1, 30))
    gus = bpy.data.objects["Gus"]
    assert gus.animation_data is None or gus.animation_data.action is None
    assert "Gus got no keys: Its performer, face 2, was not seen" in live.module.LIVE.current.news


@pytest.mark.usefixtures("few_pairs")
def test_who_follows_another_is_keyed_with_what_the_other_played(recorded, live, extension, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path / "user"))
    follower = add_gus()
    follower.leader, follower.mirror = bpy.data.objects["Pip"], True
    live.module.LIVE.current.look(bpy.context.scene)
    assert [each.leader for each in live.worker.last("SetCast").characters] == ["", "Pip"]
    take = performance(1, 30)
    recorded(take)
    assert live.module.LIVE.current.problem == ""
    gus, actions = bpy.data.objects["Gus"], bpy.data.actions
    assert gus.animation_data.action == actions["take 01 Gus"] and actions["take 01 Pip"]
    assert len(list((tmp_path / "user/transfers").iterdir())) == 1
    cast, row = Cast([CastMember("Pip", find_profile("Pip")),
                      CastMember("Gus", find_profile("Gus"), mirror=True, leader="Pip")]), 15
    live_values = cast.play({0: take.smoothed.row(row)})["Gus"].values
    profile = extension("core.rig_profile").find_profile("Gus")
    binding = extension("blender.binding").bind(profile, bpy.context.scene, gus)
    read = extension("blender.transfer_action").read_action(binding)
    at = take.times_s[row] - take.times_s[0]
    keyed = np.array([np.interp(at * 24 + 1, read.frames, column) for column in read.values.T])
    shares = profile.control_set.shares
    assert np.abs(shares(keyed) - shares(live_values)).max() < 0.02 < np.abs(shares(keyed)).max()
    live.settings.punch_first, live.settings.punch_last = 6, 12
    recorded(performance(1, 30, height=0.2), "PUNCH")
    assert gus.animation_data.action.name == "take 02 Gus" and tuple(gus.animation_data.action.frame_range) == (1, 24)
