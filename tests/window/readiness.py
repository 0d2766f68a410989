"""Preferences, the asset browser and the German interface in a real window; run by a person, who looks at the pictures.

    make dev-install BLENDER=blender
    blender --python tests/window/readiness.py

Pictures and SEMBLANCE_STAY are those of panel.py. The preferences are left as they were.
"""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import check, clear_view, drawing_is_quick, module, picture, press, start, time_drawing, view


def preferences_are_shown() -> Iterator[float]:
    """The area of the 3D view becomes the preferences for a while, at our entry."""
    area = view()
    area.type = "PREFERENCES"
    press_in(area, bpy.ops.preferences.addon_show, module=module("blender.folders").ROOT_PACKAGE)
    yield 2
    for window in bpy.context.window_manager.windows[1:]:   # where Blender opens a window of its own
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_close()
    bpy.context.preferences.active_section = "EXTENSIONS" if bpy.app.version < (4, 2) else "ADDONS"
    bpy.context.window_manager.addon_search = "Semblance"
    yield 2


def press_in(area: bpy.types.Area, operator: object, **arguments: object) -> None:
    """Press a button of another editor."""
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=area.regions[-1]):
        operator(**arguments)


def steps() -> Iterator[float]:
    """Preferences; characters from the asset browser; German."""
    yield from clear_view()
    area = view()
    yield from preferences_are_shown()
    picture("readiness_1_preferences")
    bpy.ops.semblance.readiness_check()
    yield 1
    found = [str(each) for each in module("blender.readiness").devices()]
    check(f"what was looked for is told: {found}", any("networks run on CPU" in each for each in found))
    picture("readiness_2_checked")
    kept = bpy.context.preferences.addons[module("blender.folders").ROOT_PACKAGE].preferences
    kept.provider = "CUDA"
    bpy.ops.semblance.readiness_check()
    told = " ".join(each.text for each in module("blender.readiness").devices())
    check("a provider that is not here falls back with a sentence", "run on the processor, because CUDA" in told)
    yield 1
    picture("readiness_3_cuda")
    kept.provider = "CPU"
    kept.use_asset_library = True
    area.type = "FILE_BROWSER"
    area.ui_type = "ASSETS"
    yield 3
    area.spaces.active.params.asset_library_reference = "Semblance"
    yield 6
    picture("readiness_4_assets")
    area.ui_type = "VIEW_3D"
    yield 1
    yield from drag(area)
    kept.use_asset_library = False
    yield from german()


def drag(area: bpy.types.Area) -> Iterator[float]:
    """One character from the asset browser, below, into the 3D view, above."""
    below = max((a for a in bpy.context.screen.areas if a != area and a.type == "DOPESHEET_EDITOR"),
                key=lambda a: a.width, default=None)
    if below is None:
        below = next(a for a in bpy.context.window_manager.windows[0].screen.areas if a.y < area.y and a.width > 600)
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area):
        bpy.ops.screen.area_split(direction="HORIZONTAL", factor=0.4)
    yield 1
    areas = sorted((a for a in bpy.context.window_manager.windows[0].screen.areas if a.type == "VIEW_3D"),
                   key=lambda a: a.y)
    assets, scene_view = areas[0], areas[-1]
    assets.ui_type = "ASSETS"
    yield 3
    assets.spaces.active.params.asset_library_reference = "Semblance"
    yield 5
    height = bpy.context.window_manager.windows[0].height
    region = next(r for r in assets.regions if r.type == "WINDOW")
    start_at = (region.x + 60, height - (region.y + region.height) + 60)
    end_at = (scene_view.x + scene_view.width // 3, height - (scene_view.y + scene_view.height // 2))
    picture("readiness_5_before_drag")
    for act in (f"mousemove {start_at[0]} {start_at[1]}", "mousedown 1",
                *(f"mousemove {start_at[0] + (end_at[0] - start_at[0]) * i // 6} "
                  f"{start_at[1] + (end_at[1] - start_at[1]) * i // 6}" for i in range(1, 7)), "mouseup 1"):
        subprocess.run(["xdotool", *act.split()], check=False)
        yield 0.5
    yield 3
    picture("readiness_6_dragged")
    known = module("blender.character_choice").shown_character(bpy.context.scene)
    check(f"a dragged character is one that Semblance knows: {known and known.name}", known is not None)
    assets.ui_type = "VIEW_3D"
    yield 1
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=assets):
        bpy.ops.screen.area_close()
    yield 1


def german() -> Iterator[float]:
    """The same panels in German."""
    kept = bpy.context.preferences.view
    was = kept.language
    languages = {item.identifier for item in kept.bl_rna.properties["language"].enum_items}
    language = next((name for name in ("de_DE", "de") if name in languages), "")
    if not language:
        check("this Blender has no German", bool(os.environ.get("SEMBLANCE_STAY")))
        return
    kept.language = language
    kept.use_translate_interface = kept.use_translate_tooltips = kept.use_translate_reports = True
    if module("blender.character_choice").shown_character(bpy.context.scene) is None:
        press(bpy.ops.semblance.character_add, "EXEC_DEFAULT", character="Pip")
    time_drawing()
    yield 2
    said = module("blender.translations").said
    check(f"sentences are said in {bpy.app.translations.locale}: {said('Found: Pip')}",
          said("Found: Pip") == "Gefunden: Pip")
    words = bpy.app.translations.pgettext_iface("Use Selected Rig", "Operator")
    check(f"labels too: {words}", words == "Ausgewähltes Rig nehmen")
    picture("readiness_7_german")
    yield from drawing_is_quick()
    kept.language = was
    yield 1


if __name__ == "__main__":
    start(steps())
