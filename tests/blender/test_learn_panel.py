"""Learning from the sidebar: a child process that can be stopped, its result in the list, key poses as another way."""
from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from addon.characters.learned_rig import INPUTS, LearnedRig, learned_path, with_meanings, write_learned
from addon.core import coefficients
from addon.core.rig_profile import read_profile, write_profile

from .test_control_panel import PREFERENCES, Layout
from .test_own_rig import build_sliders


@pytest.fixture
def settings(presets_folder):
    return bpy.context.scene.semblance


@pytest.fixture
def board(settings) -> bpy.types.Object:
    """A rig with four sliders whose names say nothing, listed."""
    armature = build_sliders(4)
    assert bpy.ops.semblance.rig_use() == {"FINISHED"}
    return armature


def child(tmp_path: Path, words: str) -> list[str]:
    """A program that stands for the child."""
    script = tmp_path / "child.py"
    script.write_text(words)
    return [sys.executable, str(script)]


def answers(tmp_path: Path, preset: Path) -> list[str]:
    """A child that has learned at once that the first slider smiles and that the last does nothing."""
    controls = read_profile(preset).control_set
    weights = np.zeros((INPUTS, 4), np.float32)
    weights[coefficients.INDEX["mouthSmileLeft"], 0] = 1
    rig = LearnedRig(weights, np.full(4, 0.4, np.float32), np.ones(4, bool), ("'zq3' does nothing in the picture.",),
                     np.full(4, np.nan, np.float32))
    meant = with_meanings(controls, rig)
    profile = read_profile(preset)
    write_profile(type(profile)(profile.name, "", None, profile.armature, meant, preset), preset)
    write_learned(learned_path(preset), rig, meant)
    lines = [json.dumps({"done": 1, "total": 2}), json.dumps({"take": str(learned_path(preset))})]
    return child(tmp_path, f"for line in {lines!r}: print(line)")


def test_what_the_child_learned_is_listed_kept_and_used(board, settings, extension, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(extension("blender.learning_job"), "learn_command",
                        lambda scene, preset, root, everything: answers(tmp_path, preset))
    assert bpy.ops.semblance.rig_learn() == {"FINISHED"}
    rig = settings.rigs[0]
    first, *others = rig.controls
    assert [(each.signal, each.amount) for each in first.follows] == [("mouthSmileLeft", 1.0)] and first.enabled
    assert not any(other.follows or other.enabled for other in others)
    assert Path(rig.preset).is_file() and rig.moves()
    chosen = extension("blender.character_choice").chosen_character(bpy.context.scene)
    decoder = extension("characters.decoder").load_decoder(chosen[1])
    assert decoder.stamp == "learned" and decoder.rig.learned.all(), "the list tells the same as the file"
    result, = extension("blender.learn_panel")._results.values()
    assert result.quality["zq1"] == pytest.approx(0.4) and result.sheet == ""
    assert "1 of 4 controls" in result.sentence and result.faults == ("'zq3' does nothing in the picture.",)
    assert extension("blender.learning_job").current() is None
    assert bpy.ops.semblance.learned_forget() == {"FINISHED"}
    assert not learned_path(Path(rig.preset)).exists()
    assert extension("characters.decoder").load_decoder(chosen[1]).stamp == "meaning"
    assert bpy.ops.semblance.rig_learn(everything=True) == {"FINISHED"}
    assert bpy.ops.semblance.preset_delete() == {"FINISHED"}
    assert list(learned_path(Path(chosen[1].path)).parent.iterdir()) == []


def test_the_child_gets_a_copy_of_the_open_file_and_what_is_asked(board, extension, monkeypatch, tmp_path: Path):
    asked = []
    monkeypatch.setattr(extension("blender.learning_job"), "learn_command",
                        lambda *all: asked.append(all) or child(tmp_path, "print('{\"error\": \"No face.\"}')"))
    with pytest.raises(RuntimeError, match="No face."):
        bpy.ops.semblance.rig_learn()
    (scene, preset, root, everything), = asked
    assert root == board.name and not everything and preset.is_file() and not scene.exists()
    command = extension("blender.learning_job")
    monkeypatch.undo()
    words = command.learn_command(scene, preset, root, True)
    assert words[0] == sys.executable and words[-1] == "--all" and str(preset) in words
    monkeypatch.setattr(command, "blender_program", lambda: "/opt/blender")
    words = command.learn_command(scene, preset, root, False)
    assert words[:2] == ["/opt/blender", "--background"] and words[words.index("--") + 1] == "learn"
    assert "bl_ext.user_default.semblance.addon.commands.__main__" in " ".join(words)


def test_a_stopped_child_leaves_nothing(board, extension, monkeypatch, tmp_path: Path):
    job = extension("blender.learning_job")
    monkeypatch.setattr(job, "learn_command", lambda *_: child(tmp_path, "import time; time.sleep(60)"))
    panel = extension("blender.learn_panel")
    rig = bpy.context.scene.semblance.rigs[0]
    job.start(panel.saved_preset(rig), board.name, False)
    copy = Path(job._folder.name)
    assert copy.is_dir() and not job.state().ended and not bpy.ops.semblance.rig_learn.poll()
    begun = time.monotonic()
    assert bpy.ops.semblance.rig_learn_cancel() == {"FINISHED"}
    assert job.state().error == job.CANCELLED
    panel.SEMBLANCE_OT_rig_learn.stop()
    assert time.monotonic() - begun < 5 and not copy.exists() and bpy.ops.semblance.rig_learn.poll()


def test_a_rig_that_follows_everything_is_not_learned_by_mistake(board, settings, extension):
    for item in settings.rigs[0].controls:
        item.follows.add().signal = "jawOpen"
    with pytest.raises(RuntimeError, match="follows something already"):
        bpy.ops.semblance.rig_learn()
    assert extension("blender.learning_job").current() is None


def test_the_panel_is_above_the_list_for_own_rigs_alone(settings, extension):
    panels = [cls.__name__ for cls in extension("blender.registration").CLASSES if issubclass(cls, bpy.types.Panel)]
    assert panels.index("SEMBLANCE_PT_learn") == panels.index("SEMBLANCE_PT_controls") - 1
    learn = extension("blender.learn_panel").SEMBLANCE_PT_learn
    assert not learn.poll(bpy.context)
    build_sliders(2)
    bpy.ops.semblance.rig_use()
    assert learn.poll(bpy.context)


class LearnLayout(Layout):
    """What this panel needs beyond the list's."""

    def operator(self, idname, text="", icon="NONE"):
        self.texts.append(text)
        return SimpleNamespace() if idname.startswith("wm.") else super().operator(idname, text, icon)

    def operator_menu_enum(self, idname, name, text=""):
        assert name in getattr(bpy.ops.semblance, idname.partition(".")[2]).get_rna_type().properties

    def progress(self, factor, text):
        self.texts.append(text)


def drawn(extension) -> str:
    """All words of the panel."""
    panel = extension("blender.learn_panel")
    layout = LearnLayout(panel)
    region = SimpleNamespace(width=400)
    context = SimpleNamespace(region=region, preferences=PREFERENCES, scene=bpy.context.scene)
    panel.SEMBLANCE_PT_learn.draw(SimpleNamespace(layout=layout), context)
    return " ".join(layout.texts)


def test_the_panel_shows_what_can_be_done_how_far_it_is_and_how_well_it_went(
    board, settings, extension, tmp_path: Path, monkeypatch
):
    assert "Learn This Rig" in drawn(extension) and "All Controls" not in drawn(extension)
    job = extension("blender.learning_job")
    monkeypatch.setattr(job, "learn_command", lambda *_: child(tmp_path, "import time; time.sleep(60)"))
    job.start(extension("blender.learn_panel").saved_preset(settings.rigs[0]), board.name, False)
    assert "Starting" in drawn(extension)
    job.stop()
    monkeypatch.setattr(job, "learn_command", lambda scene, preset, root, everything: answers(tmp_path, preset))
    bpy.ops.semblance.rig_learn()
    words = drawn(extension)
    for part in ("Learn 3 Unknown Controls", "Learn All Controls", "1 of 4 controls", "does nothing in the picture",
                 "zq0: correlation 0.40"):
        assert part in words, (part, words)
    assert "Show Sheet" not in words
    bpy.ops.semblance.key_pose_set(expression="Smile")
    assert "Key Poses: 1" in drawn(extension)


def test_key_poses_teach_a_rig_that_pictures_do_not(board, settings):
    for name, slider, value in (("Jaw open", "zq0", 0.8), ("Smile", "zq1", 1.0), ("Blink left", "zq2", 0.5)):
        board[slider] = value
        assert bpy.ops.semblance.key_pose_set(expression=name) == {"FINISHED"}
        board[slider] = 0.0
    assert bpy.ops.semblance.key_pose_set(expression="Smile") == {"FINISHED"}, "set again by mistake"
    board["zq1"] = 1.0
    assert bpy.ops.semblance.key_pose_set(expression="Smile") == {"FINISHED"}
    assert len(bpy.context.scene.semblance_key_poses) == 3
    assert bpy.ops.semblance.key_poses_learn() == {"FINISHED"}
    follows = {item.name: {each.signal: round(each.amount, 2) for each in item.follows}
               for item in settings.rigs[0].controls}
    assert follows == {"zq0": {"jawOpen": 0.8}, "zq1": {"mouthSmileLeft": 0.5, "mouthSmileRight": 0.5},
                       "zq2": {"eyeBlinkLeft": 0.5}, "zq3": {}}
    assert learned_path(Path(settings.rigs[0].preset)).is_file()
    assert bpy.ops.semblance.key_poses_clear() == {"FINISHED"} and not bpy.context.scene.semblance_key_poses
    with pytest.raises(RuntimeError, match="too few"):
        bpy.ops.semblance.key_poses_learn()
