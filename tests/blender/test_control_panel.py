"""What the list of controls shows, drawn onto a layout that looks up everything that it is given."""
from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest

from .conftest import build_mixed_rig
from .test_own_rig import build_head, build_sliders

# Without a window Blender's own scale is 0.
PREFERENCES = SimpleNamespace(system=SimpleNamespace(ui_scale=1))


class Layout:
    """Stands in for Blender's, which exists only while a window is drawn."""

    def __init__(self, panel_module):
        self.panel_module, self.texts, self.shown = panel_module, [], []

    def __call__(self, *args, **options):
        return self

    row = column = box = split = grid_flow = __call__

    def label(self, text="", icon="NONE"):
        self.texts.append(text)

    def prop(self, holder, name, index=-1, **options):
        value = holder.path_resolve(name)
        self.shown.append((name, value[index] if index >= 0 else value))

    def operator(self, idname, text="", icon="NONE"):
        arguments = getattr(bpy.ops.semblance, idname.partition(".")[2]).get_rna_type().properties.keys()
        return SimpleNamespace(**dict.fromkeys(arguments))

    def menu(self, name, text="", icon="NONE"):
        assert hasattr(bpy.types, name)

    def separator(self):
        pass

    def template_list(self, name, identifier, rig, controls, owner, active, **options):
        context = SimpleNamespace(region=self.region, preferences=PREFERENCES)
        cls = getattr(self.panel_module, name)
        for item in getattr(rig, controls):
            cls.draw_item(cls, context, self, rig, item, 0, owner, active)


@pytest.fixture
def draw(presets_folder, extension):
    """Draws the panel at a width; gives its layout."""
    module = extension("blender.control_panel")

    def at(width: int) -> Layout:
        layout = Layout(module)
        layout.region = SimpleNamespace(width=width)
        context = SimpleNamespace(region=layout.region, preferences=PREFERENCES, scene=bpy.context.scene)
        module.SEMBLANCE_PT_controls.draw(SimpleNamespace(layout=layout), context)
        return layout

    return at


def test_names_sliders_gains_and_details_are_shown(draw):
    head = build_head()
    bpy.ops.semblance.rig_use()
    rig = bpy.context.scene.semblance.rigs[0]
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.25
    rig.controls["mouthSmile_L"].gain = 1.5
    wide, narrow = draw(500), draw(220)
    assert {"jawOpen", "mouthSmile_L", "Gain", "ARKit shape keys: 8 of 8 controls are on"} <= set(wide.texts)
    assert ("value", 0.25) in wide.shown and ("gain", 1.5) in wide.shown
    assert "Gain" not in narrow.texts and "×1.5  mouthSmile_L" in narrow.texts
    assert "Shape key 'jawOpen' of Hero" in " ".join(wide.texts)
    rig.controls["jawOpen"].minimum = 5
    assert "minimum below its maximum" in " ".join(draw(500).texts)


def test_every_kind_of_carrier_has_its_slider_or_its_range(draw, extension, mixed_profile):
    root = build_mixed_rig()
    keep_rig = extension("blender.control_list").keep_rig
    rig = keep_rig(bpy.context.scene, mixed_profile, root)
    bpy.context.scene.semblance.character = root
    root["tongue"], root.pose.bones["head"].rotation_euler[2] = 3, 0.5
    shown = draw(500).shown
    assert ('["tongue"]', 3) in shown and ("rotation_euler", 0.5) in shown and ('["cheek puff"]', 0.0) in shown
    words = []
    for index, item in enumerate(rig.controls):
        rig.active = index
        words += [text for text in draw(900).texts if " of " in text and item.key + item.bone + item.property]
    for part in ("Location Y of bone 'CTRL-brow.R'", "Rotation Z of bone 'head'", "Property 'tongue' of the rig"):
        assert part in words
    root.pose.bones["head"].rotation_mode = "QUATERNION"
    del root["tongue"]
    bpy.data.objects["Face"].shape_key_clear()
    texts = draw(500).texts
    assert {"-46° … 46°", "0 … 4", "0 … 1"} <= set(texts)


def test_controls_of_unknown_meaning_say_what_to_do(draw):
    build_sliders(3)
    bpy.ops.semblance.rig_use()
    words = " ".join(draw(300).texts)
    assert "Unknown names: 0 of 3 controls are on" in words and "'Follows nothing'" in words
    bpy.ops.semblance.follow_add()
    assert "names of these controls" not in " ".join(draw(300).texts)


def test_menus_list_presets_and_tell_two_of_one_name_apart(draw, extension, presets_folder):
    build_head()
    bpy.ops.semblance.rig_use()
    bpy.ops.semblance.preset_save()
    (presets_folder / "copy.toml").write_bytes((presets_folder / "Hero.toml").read_bytes())
    extension("blender.readiness").refresh()
    module = extension("blender.control_panel")
    layout = Layout(module)
    labels = []
    layout.operator = lambda idname, text="", icon="": labels.append(text) or SimpleNamespace()
    module.SEMBLANCE_MT_presets.draw(SimpleNamespace(layout=layout), bpy.context)
    assert {label for label in labels if label.startswith("Hero")} == {"Hero (copy)", "Hero (Hero)"}
