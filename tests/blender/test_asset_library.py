"""The five characters as assets: what they say of themselves, and what one that was brought in is to Semblance."""
from __future__ import annotations

import bpy
import pytest

from addon.core.paths import RIGS

from .conftest import EXTENSION

NAMES = ("Ada", "Gus", "Mora", "Pip", "Uno")


def libraries() -> list[bpy.types.UserAssetLibrary]:
    return [each for each in bpy.context.preferences.filepaths.asset_libraries if each.name == "Semblance"]


def test_it_comes_and_goes_with_the_tick_or_the_extension(extension):
    import addon_utils

    kept = bpy.context.preferences.addons[EXTENSION].preferences
    others = len(bpy.context.preferences.filepaths.asset_libraries)
    assert libraries() == [] and not kept.use_asset_library
    for _ in range(2):
        kept.use_asset_library = True
    library, = libraries()
    assert library.import_method == "APPEND"
    kept.use_asset_library = False
    assert libraries() == []
    kept.use_asset_library = True
    addon_utils.disable(EXTENSION)
    assert libraries() == []
    addon_utils.enable(EXTENSION)
    assert len(libraries()) == 1    # this user wanted it
    bpy.context.preferences.addons[EXTENSION].preferences.use_asset_library = False
    assert len(bpy.context.preferences.filepaths.asset_libraries) == others


def test_the_catalog_of_the_assets_is_there():
    text = (RIGS / "blender_assets.cats.txt").read_text(encoding="utf-8")
    with bpy.data.libraries.load(str(RIGS / "pip" / "pip.blend"), assets_only=True, link=True) as (stored, wanted):
        wanted.collections = stored.collections
    assert f"{wanted.collections[0].asset_data.catalog_id}:Characters:" in text


@pytest.mark.parametrize("name", NAMES)
def test_each_character_tells_who_it_is_and_is_known_once_it_is_brought_in(extension, name):
    path = RIGS / name.lower() / f"{name.lower()}.blend"
    with bpy.data.libraries.load(str(path), assets_only=True, link=True) as (stored, wanted):
        assert stored.collections == [name] and stored.objects == []
        wanted.collections = [name]
    about, preview = wanted.collections[0].asset_data, wanted.collections[0].preview
    assert len(about.description) > 30 and about.author and about.license == "GPL-3.0-or-later"
    assert {"face", "character"} <= {tag.name for tag in about.tags} and min(preview.image_size) >= 128
    bpy.ops.wm.read_homefile(use_empty=True)
    # what a drag from the asset browser does with the method Append
    bpy.ops.wm.append(directory=f"{path}/Collection/", filename=name, instance_collections=False)
    choice, scene = extension("blender.character_choice"), bpy.context.scene
    root, profile, notes = choice.chosen_character(scene)
    binding = extension("blender.binding").bind(profile, scene, root)
    assert profile.name == name and not notes and binding.bound.all()


def test_a_character_that_the_panel_adds_is_no_asset_of_the_users_file(extension):
    bpy.ops.semblance.character_add(character="Uno")
    collection = bpy.data.collections["Uno"]
    assert collection.asset_data is None and not collection.use_fake_user
