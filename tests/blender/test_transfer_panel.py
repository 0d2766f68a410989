"""The sidebar's transfer, as a user presses it: take, pose pairs, undo, and what is refused."""
from __future__ import annotations

import time

import bpy
import numpy as np
import pytest

from addon.blender.binding import bind
from addon.blender.keying import key_track
from addon.characters.transfer_pairs import LEAST, decoded_pairs
from addon.core.frames import ControlTrack
from addon.core.rig_profile import find_profile

MORA, GUS = (find_profile(name) for name in ("Mora", "Gus"))


@pytest.fixture
def both(extension, few_pairs):
    """Mora with keys and Gus without, chosen in the panel."""
    for name in ("Mora", "Gus"):
        bpy.ops.semblance.character_add(character=name)
    scene = bpy.context.scene
    mora, gus = (bind(profile, scene) for profile in (MORA, GUS))
    values = decoded_pairs(MORA, GUS, 8).source
    key_track(mora, ControlTrack(np.arange(8) / scene.render.fps, values), "wave", scene)
    settings = scene.semblance.transfer
    settings.source, settings.target = mora.root, gus.root
    return settings


def actions_of(profile) -> list:
    binding = bind(profile, bpy.context.scene)
    return [owner.animation_data.action for owner in binding.owners if owner.animation_data]


def test_a_take_is_transferred(both):
    before = actions_of(MORA)
    assert bpy.ops.semblance.take_transfer() == {"FINISHED"}
    assert actions_of(MORA) == before and {action.name for action in actions_of(GUS)} == {"wave to Gus"}
    bpy.context.scene.semblance.character = both.target
    bpy.ops.semblance.take_compare()
    assert not any(actions_of(GUS))
    bpy.ops.semblance.take_compare()
    assert {action.name for action in actions_of(GUS)} == {"wave to Gus"}
    both.pairs = "KEY_POSES"
    assert bpy.ops.semblance.take_transfer() == {"FINISHED"}
    assert {action.name for action in actions_of(GUS)} == {"wave to Gus.001"}
    assert "wave to Gus" in bpy.data.actions


def test_nothing_is_asked_of_one_character_alone(both):
    both.target = both.source
    assert not bpy.ops.semblance.take_transfer.poll()
    both.target = None
    assert not bpy.ops.semblance.take_transfer.poll() and not bpy.ops.semblance.pose_pair_add.poll()


def test_a_character_without_keys_is_told_and_nothing_changes(both):
    both.source, both.target = both.target, both.source
    with pytest.raises(RuntimeError, match="has no active Action"):
        bpy.ops.semblance.take_transfer()


def test_pose_pairs_are_kept_in_the_file_and_learned_from(both):
    both.pairs = "POSED"
    pairs = decoded_pairs(MORA, GUS, 60, seed=4)
    busy = np.argsort(-np.abs(MORA.control_set.shares(pairs.source)).sum(1))[:LEAST]
    scene = bpy.context.scene
    assert not bpy.ops.semblance.pose_pair_remove.poll()
    for count, i in enumerate(busy, 1):
        bind(MORA, scene).write(pairs.source[i])
        bind(GUS, scene).write(pairs.target[i])
        assert bpy.ops.semblance.pose_pair_add() == {"FINISHED"}
        if count < LEAST:
            with pytest.raises(RuntimeError, match=f"There are {count} different pose pairs and {LEAST} are needed"):
                bpy.ops.semblance.take_transfer()
    text = bpy.data.texts[f"Pose Pairs {both.source.name} to {both.target.name}"]
    assert text.as_string().count("[[pair]]") == LEAST and '"pose 1"' in text.as_string()
    assert bpy.ops.semblance.take_transfer() == {"FINISHED"}
    bpy.ops.semblance.pose_pair_add(name="pose 3")
    assert text.as_string().count("[[pair]]") == LEAST
    bpy.ops.semblance.pose_pair_remove()
    assert text.as_string().count("[[pair]]") == LEAST - 1 and '"pose 3"' not in text.as_string()


def test_a_text_that_somebody_broke_is_one_sentence(both):
    both.pairs = "POSED"
    bpy.ops.semblance.pose_pair_add()
    text = bpy.data.texts[f"Pose Pairs {both.source.name} to {both.target.name}"]
    text.from_string(text.as_string().replace("schema = 1", "schema = 7"))
    with pytest.raises(RuntimeError, match=f"'{text.name}': they have schema 7"):
        bpy.ops.semblance.take_transfer()


def test_one_undo_takes_it_all_back(both):
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.semblance.take_transfer("EXEC_DEFAULT", True) == {"FINISHED"}
    assert "wave to Gus" in bpy.data.actions
    bpy.ops.ed.undo()
    assert "wave to Gus" not in bpy.data.actions and "wave" in bpy.data.actions


def test_pairs_are_counted_quickly_enough_for_drawing(both, extension):
    panel = extension("blender.transfer_panel")
    for i in range(70):
        bpy.ops.semblance.pose_pair_add(name=f"face {i}")
    begun = time.thread_time()
    for _ in range(100):
        assert panel._pair_count(both) == 70
    assert (time.thread_time() - begun) / 100 < 0.001
