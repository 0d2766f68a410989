"""Profiles find their character and its properties, and say what is gone."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import bpy
import numpy as np
import pytest

from addon.blender.apply import add_character
from addon.blender.binding import belongs_to, bind, find_characters, named_character
from addon.blender.keying import key_track
from addon.core.control_set import BoneChannel, ControlSet, CustomProperty, ShapeKey
from addon.core.errors import SemblanceError
from addon.core.frames import ControlTrack
from addon.core.rig_profile import find_profile, read_profile, shipped_files

from .conftest import build_armature, build_mesh, build_mixed_rig, profile_of


def test_all_three_kinds_are_written_and_read(mixed_rig, mixed_profile):
    binding = bind(mixed_profile, bpy.context.scene)
    assert binding.missing == ()
    values = np.array([0.5, -0.5, 0.3, 0.75, 3, 0.6], np.float32)
    binding.write(values)
    bones = mixed_rig.pose.bones
    assert bones['CTRL "brow".L'].location[1] == 0.5
    assert bones["head"].rotation_euler[2] == pytest.approx(0.3)
    assert bones["head"]["cheek puff"] == 0.75
    assert mixed_rig["tongue"] == 3 and isinstance(mixed_rig["tongue"], int)
    assert bpy.data.objects["Face"].data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.6)
    np.testing.assert_allclose(binding.read(), values, atol=1e-6)


def test_written_properties_reach_their_drivers(mixed_rig, mixed_profile):
    driver = mixed_rig.driver_add("location", 0).driver
    driver.type = "SUM"
    target = driver.variables.new().targets[0]
    target.id, target.data_path = mixed_rig, 'pose.bones["head"]["cheek puff"]'
    binding = bind(mixed_profile, bpy.context.scene)
    values = mixed_profile.control_set.neutral.copy()
    values[3] = 0.75
    binding.write(values)
    bpy.context.view_layer.update()
    assert mixed_rig.location.x == 0.75


def test_second_copy_keeps_to_its_own_mesh(mixed_rig, mixed_profile):
    second = build_mixed_rig()
    assert second.name == "Mixed.001"
    assert find_characters(bpy.context.scene, mixed_profile) == [mixed_rig, second]
    binding = bind(mixed_profile, bpy.context.scene, second)
    assert binding.missing == ()
    assert {owner.name for owner in binding.owners} == {"Mixed.001", bpy.data.objects["Face.001"].data.shape_keys.name}


def test_renamed_character_is_known_by_its_bones_and_its_mesh_by_its_keys(mixed_rig, mixed_profile):
    mixed_rig.name, bpy.data.objects["Face"].name = "Hero", "GEO head"
    build_mesh("Somebody's", ("jawOpen",))
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Other", bpy.data.armatures.new("Other")))
    assert find_characters(bpy.context.scene, mixed_profile) == [mixed_rig]
    binding = bind(mixed_profile, bpy.context.scene)
    assert binding.missing == () and bpy.data.objects["GEO head"].data.shape_keys in binding.owners


def test_two_bones_of_one_name_in_two_armatures_are_not_confused():
    scene = bpy.context.scene
    one, two = build_armature("One", ("jaw",)), build_armature("Two", ("jaw",))
    profile = profile_of(BoneChannel("jaw", "location", 0), CustomProperty("jaw", "puff", "Two"), armature="One")
    one.pose.bones["jaw"]["puff"] = two.pose.bones["jaw"]["puff"] = 0.0
    binding = bind(profile, scene)
    binding.write(np.array([0.5, 0.75]))
    jaws = [item.pose.bones["jaw"] for item in (one, two)]
    assert [(jaw.location.x, jaw["puff"]) for jaw in jaws] == [(0.5, 0), (0, 0.75)]
    assert binding.root == one and binding.owners == (one, two)
    bind(profile, scene, two).write(np.array([0.25, 0.5]))
    assert [(jaw.location.x, jaw["puff"]) for jaw in jaws] == [(0.5, 0), (0.25, 0.5)]


def test_a_face_of_another_armature_is_not_taken():
    rig, other = build_armature("Rig", ("jaw",)), build_armature("Other", ("jaw",))
    build_mesh("Face", ("smile",), other)
    profile = profile_of(BoneChannel("jaw", "location", 0), ShapeKey(("Face",), "smile"))
    assert "'Face'" in bind(profile, bpy.context.scene, rig).missing[0]
    body = build_armature("Body", ("spine",))
    rig.parent = body
    free, of_body = build_mesh("Face", ("smile",)), build_mesh("Face", ("smile",), body)
    assert bind(profile, bpy.context.scene, rig).owners[1] == of_body.data.shape_keys
    bpy.data.objects.remove(of_body)
    assert bind(profile, bpy.context.scene, rig).owners[1] == free.data.shape_keys
    own = build_mesh("Face", ("smile",))
    own.modifiers.new("Armature", "ARMATURE").object = rig
    assert bind(profile, bpy.context.scene, rig).owners[1] == own.data.shape_keys
    assert belongs_to(own, rig) and belongs_to(rig, rig) and not belongs_to(free, rig)


def test_meshes_that_have_numbers_by_themselves_are_told_apart():
    rig = build_armature("Rig", ("jaw",))
    for _ in range(2):
        build_mesh("Face", ("smile",), rig)
    binding = bind(profile_of(ShapeKey(("Face.001",), "smile"), ShapeKey(("Face",), "smile")), bpy.context.scene)
    assert [owner.user.name for owner in binding.owners] == ["Face.001", "Face"]


MESHES_ONLY = profile_of(
    ShapeKey(("Face", "Lashes"), "blink"), ShapeKey(("Face",), "smile"), ShapeKey(("Face",), "jaw"), armature="")


def test_a_character_of_meshes_is_found_by_name_and_by_its_keys():
    scene = bpy.context.scene
    with pytest.raises(SemblanceError, match="no character 'Own' .an object named 'Face'"):
        bind(MESHES_ONLY, scene)
    build_mesh("Wall", ("crack",))
    build_armature("Face", ("jaw",))
    face = build_mesh("Face.001", ("blink", "smile", "jaw"))
    lashes = build_mesh("Lashes", ("blink",))
    assert find_characters(scene, MESHES_ONLY) == [face] and named_character(scene, MESHES_ONLY) == face
    binding = bind(MESHES_ONLY, scene)
    assert (binding.root, binding.missing, binding.notes) == (face, (), ())
    binding.write(np.array([0.5, 0.25, 0]))
    assert lashes.data.shape_keys.key_blocks["blink"].value == 0.5
    face.name = "Hero"
    assert find_characters(scene, MESHES_ONLY) == [face] and named_character(scene, MESHES_ONLY) is None
    binding = bind(MESHES_ONLY, scene)
    assert binding.root == face and binding.missing == () and len(binding.carriers) == 4


def test_copies_of_a_character_of_meshes_keep_to_their_own():
    scene = bpy.context.scene
    pairs = [(build_mesh("Face", ("blink", "smile", "jaw")), build_mesh("Lashes", ("blink",))) for _ in range(2)]
    parent = bpy.data.objects.new("Empty", None)
    scene.collection.objects.link(parent)
    third = build_mesh("Face", ("blink", "smile", "jaw"), parent), build_mesh("Lashes", ("blink",), parent)
    third[1].name = "Lashes.007"
    for face, lashes in (*pairs, third):
        assert bind(MESHES_ONLY, scene, face).owners == (face.data.shape_keys, lashes.data.shape_keys)


def test_armatures_of_one_name_are_told_apart_by_what_they_have():
    scene = bpy.context.scene
    build_armature("Armature", ("spine",))
    rig = build_armature("Armature", ("jaw",))
    assert find_characters(scene, profile_of(BoneChannel("jaw", "location", 0), armature="Armature")) == [rig]
    rig["puff"] = 0.0
    assert find_characters(scene, profile_of(CustomProperty("", "puff"), armature="Armature")) == [rig]
    elsewhere = profile_of(CustomProperty("jaw", "puff", "Knobs"), armature="Armature")
    assert find_characters(scene, elsewhere) == []
    build_armature("Knobs", ("jaw",)).pose.bones["jaw"]["puff"] = 0.0
    assert rig in find_characters(scene, elsewhere)
    keys_only = profile_of(ShapeKey(("Face",), "smile"), armature="Armature")
    assert find_characters(scene, keys_only) == []
    build_mesh("Face", ("smile",), rig)
    assert find_characters(scene, keys_only) == [rig]


def test_shipped_characters_are_told_apart_whatever_they_are_called():
    scene, profiles = bpy.context.scene, [p for p in map(read_profile, shipped_files()) if p.blend.is_file()]
    for profile in profiles:
        add_character(profile, scene).name = f"Renamed {profile.name}"
    for profile in profiles:
        assert [item.name for item in find_characters(scene, profile)] == [f"Renamed {profile.name}"]
        binding = bind(profile, scene)
        assert (binding.missing, binding.notes) == ((), ())


def test_what_is_not_enabled_is_neither_written_nor_keyed():
    rig = build_armature("Rig", ("jaw",))
    profile = profile_of(*(BoneChannel("jaw", "location", axis) for axis in range(2)))
    off, on = profile.control_set.controls
    profile = replace(profile, control_set=ControlSet((replace(off, enabled=False), on)))
    binding = bind(profile, bpy.context.scene)
    binding.write(np.array([1, 1]))
    assert binding.missing == () and tuple(rig.pose.bones["jaw"].location) == (0, 1, 0)
    keyed = key_track(binding, ControlTrack(np.arange(2) / 24, np.ones((2, 2), np.float32)), "k", bpy.context.scene)
    assert keyed.controls == 1
    alone = replace(profile, control_set=ControlSet((profile.control_set.controls[0],)))
    with pytest.raises(SemblanceError, match="none of the 1 controls of 'Own'. All are switched off"):
        bind(alone, bpy.context.scene)


def test_limits_and_neutral_are_respected_live(mixed_rig, mixed_profile):
    binding, controls = bind(mixed_profile, bpy.context.scene), mixed_profile.control_set
    for wild, held in ((np.inf, controls.maximum), (-99, controls.minimum), (np.nan, controls.neutral)):
        binding.write(np.full(6, wild))
        np.testing.assert_allclose(binding.read(), held, atol=1e-6)


def saved_library(folder: Path) -> Path:
    """What is open as a file whose collection 'Mixed' can be linked; an empty scene is open afterwards."""
    collection = bpy.data.collections.new("Mixed")
    for item in bpy.context.scene.objects:
        collection.objects.link(item)
        bpy.context.scene.collection.objects.unlink(item)
    bpy.context.scene.collection.children.link(collection)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    return folder / "library.blend"


def linked_collection(library: Path) -> bpy.types.Collection:
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections = ["Mixed"]
    return wanted.collections[0]


def overridden(library: Path) -> bpy.types.Object:
    """The armature of a library override of the collection, which replaces the linked one in the scene."""
    scene = bpy.context.scene
    linked = linked_collection(library)
    scene.collection.children.link(linked)
    linked.override_hierarchy_create(scene, bpy.context.view_layer, do_fully_editable=True)
    scene.collection.children.unlink(linked)
    return next(item for item in scene.objects if item.type == "ARMATURE")


def test_a_linked_rig_is_explained_whether_linked_or_instanced(mixed_rig, mixed_profile, tmp_path: Path):
    linked = linked_collection(saved_library(tmp_path))
    scene = bpy.context.scene
    instance = bpy.data.objects.new("Shown", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", linked
    scene.collection.objects.link(instance)
    with pytest.raises(SemblanceError, match="'Shown' only shows the collection 'Mixed'.*library override"):
        bind(mixed_profile, scene)
    scene.collection.children.link(linked)
    with pytest.raises(SemblanceError, match="'Mixed' is linked from another file.*library override"):
        bind(mixed_profile, scene)


def test_an_override_works_but_for_keys_of_a_linked_mesh(mixed_rig, mixed_profile, tmp_path: Path):
    mixed_rig["tongue_free"] = 0.0
    library = saved_library(tmp_path)
    root, scene = overridden(library), bpy.context.scene
    binding = bind(mixed_profile, scene)
    assert binding.root == root and binding.root.override_library
    assert len(binding.missing) == 1 and "'Face' are linked" in binding.missing[0] and "mesh data" in binding.missing[0]
    for note, name in zip(binding.notes, ("'cheek puff' of bone 'head'", "'tongue' of object"), strict=True):
        assert name in note and "not library overridable" in note
    face = next(item for item in scene.objects if item.type == "MESH")
    face.data.override_create(remap_local_usages=True)
    assert bind(mixed_profile, scene).missing == ()


def test_what_can_be_animated_is_found_before_a_linked_original(mixed_rig, mixed_profile, tmp_path: Path):
    linked = linked_collection(saved_library(tmp_path))
    scene = bpy.context.scene
    scene.collection.children.link(linked)
    own = build_mixed_rig()
    own.name = "renamed"
    found = find_characters(scene, mixed_profile)
    assert [item.is_editable for item in found] == [True, False] and bind(mixed_profile, scene).root == own


def test_a_face_on_the_rigs_of_head_and_body_belongs_to_both():
    head, body = build_armature("Head rig", ("head",)), build_armature("Body rig", ("head",))
    face = build_mesh("Face", ("smile",))
    for rig in (head, body):
        face.modifiers.new("Armature", "ARMATURE").object = rig
        binding = bind(profile_of(ShapeKey(("Face",), "smile"), armature=rig.name), bpy.context.scene, rig)
        assert binding.missing == () and binding.owners == (face.data.shape_keys,)


def test_controls_with_the_same_trouble_share_a_sentence():
    face = build_mesh("Face", [f"key{i}" for i in range(6)], build_armature("Rig", ("head",)))
    there = [ShapeKey(("Face",), f"key{i}") for i in range(5)]
    profile = profile_of(*there, *(ShapeKey(("Lost",), key) for key in "abcd"))
    face.data.shape_keys.key_blocks["key0"].slider_max = 0.5
    binding = bind(profile, bpy.context.scene)
    assert len(binding.notes) == 1 and "control 'c0'" in binding.notes[0]
    (sentence,) = binding.missing
    assert "4 controls ('c5', 'c6', 'c7' ...): there is no object 'Lost'" in sentence


def test_keys_on_an_override_are_there_again_after_saving(mixed_rig, mixed_profile, tmp_path: Path):
    library = saved_library(tmp_path)
    overridden(library)
    scene = bpy.context.scene
    next(i for i in scene.objects if i.type == "MESH").data.override_create(remap_local_usages=True)
    binding = bind(mixed_profile, scene)
    values = np.array([0.5, -0.5, 0.3, 0.75, 3, 0.6], np.float32)
    binding.write(values)
    np.testing.assert_allclose(binding.read(), values, atol=1e-6)
    track = ControlTrack(np.arange(3) / 24, np.tile(values / 2, (3, 1)))
    key_track(binding, track, "take", scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    scene = bpy.context.scene
    scene.frame_set(2)
    again = bind(mixed_profile, scene)
    assert again.root.override_library and again.missing == ()
    expected = values / 2
    expected[4] = 2
    np.testing.assert_allclose(again.read(), expected, atol=1e-6)


def test_a_property_that_the_rigger_made_overridable_gets_no_note(mixed_rig, mixed_profile, tmp_path: Path):
    mixed_rig.property_overridable_library_set('["tongue"]', True)
    mixed_rig.pose.bones["head"].property_overridable_library_set('["cheek puff"]', True)
    overridden(saved_library(tmp_path))
    assert bind(mixed_profile, bpy.context.scene).notes == ()


def test_what_is_gone_is_named_and_the_rest_works(mixed_rig, mixed_profile):
    bpy.context.view_layer.objects.active = mixed_rig
    bpy.ops.object.mode_set(mode="EDIT")
    mixed_rig.data.edit_bones.remove(mixed_rig.data.edit_bones["CTRL-brow.R"])
    bpy.ops.object.mode_set(mode="OBJECT")
    mixed_rig.pose.bones["head"].lock_rotation[2] = True
    del mixed_rig.pose.bones["head"]["cheek puff"]
    bpy.data.objects["Face"].shape_key_remove(bpy.data.objects["Face"].data.shape_keys.key_blocks["jawOpen"])
    binding = bind(mixed_profile, bpy.context.scene)
    assert [*binding.bound] == [True, False, False, False, True, False]
    for sentence, words in zip(
        binding.missing,
        (("Mixed", "brow.R", "CTRL-brow.R"), ("head_turn", "rotation Z", "locked"), ("puff", "cheek puff"),
         ("Face", "jawOpen")),
        strict=True,
    ):
        assert all(word in sentence for word in words), sentence
    binding.write(np.full(6, 0.5))
    np.testing.assert_allclose(binding.read()[[1, 2, 3, 5]], mixed_profile.control_set.neutral[[1, 2, 3, 5]])


def test_no_character_and_foreign_armature_are_one_sentence(mixed_profile):
    with pytest.raises(SemblanceError, match="has no character 'Mixed'"):
        bind(mixed_profile, bpy.context.scene)
    bare = bpy.data.objects.new("Mixed.001", bpy.data.armatures.new("Mixed"))
    bpy.context.scene.collection.objects.link(bare)
    with pytest.raises(SemblanceError, match="has no character 'Mixed'"):
        bind(mixed_profile, bpy.context.scene)
    with pytest.raises(SemblanceError, match="none of the 6 controls"):
        bind(mixed_profile, bpy.context.scene, bare)


def test_pip_is_written_and_bound_quickly():
    profile, scene = find_profile("Pip"), bpy.context.scene
    add_character(profile, scene)
    binding = bind(profile, scene)
    assert binding.missing == () and binding.notes == ()
    values = profile.control_set.neutral

    def fastest_s(job, count):
        return min(timed(job) for _ in range(count))

    def timed(job):
        start = perf_counter()
        job()
        return perf_counter() - start

    assert fastest_s(lambda: binding.write(values), 50) < 0.001
    assert fastest_s(lambda: bind(profile, scene), 20) < 0.01
