"""One take on several characters: who is keyed, each with its own style and settings, and back to what was before."""
from __future__ import annotations

import bpy
import pytest

from addon.characters.style import Style
from addon.core.take import write_take

from .conftest import build_mixed_rig
from .test_apply import performance
from .test_own_rig import build_head


@pytest.fixture
def settings(extension, tmp_path):
    """The sidebar with a smile to apply."""
    settings = bpy.context.scene.semblance
    write_take(performance("mouthSmileLeft"), tmp_path / "smile.take")
    settings.source, settings.neutral, settings.strength = str(tmp_path / "smile.take"), "NONE", 0
    return settings


def add(*names: str) -> list[bpy.types.Object]:
    for name in names:
        bpy.ops.semblance.character_add(character=name)
    return [actor.root for actor in bpy.context.scene.semblance.actors]


def tick(*roots: bpy.types.Object) -> None:
    for actor in bpy.context.scene.semblance.actors:
        actor.use = actor.root in roots


def action(root: bpy.types.Object) -> bpy.types.Action | None:
    return root.animation_data.action if root.animation_data else None


def test_by_default_only_the_one_that_was_added_last_is_keyed(settings):
    pip, gus = add("Pip", "Gus")
    assert settings.character == gus and [actor.use for actor in settings.actors] == [False, True]
    bpy.ops.semblance.take_apply()
    assert action(pip) is None and action(gus) is not None
    settings.character = pip
    assert [actor.use for actor in settings.actors] == [True, False]


def test_all_ticked_ones_are_keyed_in_one_step_and_others_not(settings):
    pip, gus, second, uno = add("Pip", "Gus", "Pip", "Uno")
    tick(pip, gus, second)
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.semblance.take_apply() == {"FINISHED"}
    assert [action(root) is not None for root in (pip, gus, second, uno)] == [True, True, True, False]
    assert len({action(root) for root in (pip, gus, second)}) == 3 and action(pip).name == "smile Pip"
    assert all(action(root).frame_range[1] == 48 for root in (pip, gus, second))
    # a script's operator call makes no step of its own; a click does
    bpy.ops.ed.undo_push(message="Apply")
    bpy.ops.ed.undo()
    assert not [name for name in ("Pip", "Gus", "Pip.001") if action(bpy.data.objects[name])]


def test_linked_duplicates_that_play_the_same_shape_keys_are_told(settings, extension):
    add("Mora")
    for item in bpy.context.scene.objects:
        item.select_set(True)
    bpy.ops.object.duplicate(linked=True)
    bpy.ops.semblance.cast_find()
    tick(*(actor.root for actor in settings.actors))
    keyed, said = extension("blender.operators").key_cast(bpy.context.scene)
    assert len(keyed) == 2 and len(said) == 1 and "'Mora' has the same shape keys as 'Mora.001'" in said[0]


def test_a_click_on_a_row_shows_a_character_without_keying_it(settings):
    pip, _ = add("Pip", "Gus")
    settings.actor = 0
    assert settings.character == pip and [actor.use for actor in settings.actors] == [False, True]
    settings.actors[1].use = False
    with pytest.raises(RuntimeError, match="No character is ticked"):
        bpy.ops.semblance.take_apply()
    assert not bpy.data.actions


def test_one_that_fails_is_named_and_the_others_are_keyed(settings):
    pip, gus = add("Pip", "Gus")
    tick(pip, gus)
    for control in gus.pose.bones:
        control.lock_location = control.lock_rotation = (True, True, True)
    assert bpy.ops.semblance.take_apply() == {"FINISHED"}
    assert action(pip) is not None and action(gus) is None
    for bone in pip.pose.bones:
        bone.lock_location = bone.lock_rotation = (True, True, True)
    for holder in (pip, *pip.pose.bones):
        for name in [*holder.keys()]:
            del holder[name]
    with pytest.raises(RuntimeError, match=r"Pip got no keys: .* Gus got no keys: 'Gus' carries none"):
        bpy.ops.semblance.take_apply()


def test_ours_and_the_users_own_together(settings):
    head = build_head()
    bpy.ops.semblance.rig_use()
    pip, = add("Pip")[1:]
    tick(pip, head)
    bpy.ops.semblance.take_apply()
    assert action(pip) and action(head.data.shape_keys)


def test_finding_lists_everyone_and_forgets_who_is_gone(settings, extension):
    first, second = add("Pip", "Gus")
    settings.actors.clear()
    build_mixed_rig()
    bpy.ops.semblance.cast_find()
    assert {actor.root for actor in settings.actors} == {first, second} and sum(a.use for a in settings.actors) == 1
    for collection in list(second.users_collection):
        collection.objects.unlink(second)
    bpy.ops.semblance.cast_find()
    assert [actor.root for actor in settings.actors] == [first]


def test_a_deleted_character_is_not_kept_alive_by_the_list(settings):
    pip, = add("Pip")
    bpy.data.objects.remove(pip)
    assert [actor.root for actor in settings.actors] == [None]
    gus, = add("Gus")
    for collection in list(gus.users_collection):
        collection.objects.unlink(gus)
    uno, = add("Uno")
    assert uno.name == "Uno" and gus.users == 0 and len(settings.actors) == 1


def test_characters_that_are_added_stand_side_by_side(settings):
    pip, gus, second = add("Pip", "Gus", "Pip")
    bpy.context.view_layer.update()
    assert pip.location.x == 0 < gus.location.x < second.location.x
    assert pip.location.yz == gus.location.yz


def test_each_has_its_own_strength_and_mirror(settings, extension):
    pip, second = add("Pip", "Pip")
    tick(pip, second)
    settings.actors[1].strength, settings.actors[1].mirror = 2, True
    bpy.ops.semblance.take_apply()
    assert settings.actors[1].style() == extension("characters.style").Style(2)
    plain, other, mirrored = (
        values_of(root, f"CTRL-mouth_corner.{side}") for root, side in ((pip, "L"), (second, "L"), (second, "R"))
    )
    assert mirrored > 1.2 * plain > 0.02 and abs(other) < 0.3 * mirrored


def values_of(root: bpy.types.Object, bone: str) -> float:
    """How high the bone is half way through."""
    bpy.context.scene.frame_set(20)
    return root.pose.bones[bone].location.y


@pytest.mark.parametrize("strength", [0.5, 0.7, 1.0, 1.9, 2.0])
def test_a_strength_from_the_slider_is_a_style(settings, extension, strength):
    add("Pip")
    settings.actors[0].strength = strength
    assert settings.actors[0].style().strength == pytest.approx(strength) and Style(settings.actors[0].style().strength)
