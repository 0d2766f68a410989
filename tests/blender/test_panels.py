"""What the sidebar shows of who plays and what is on them, drawn onto a layout that looks up everything it is given."""
from __future__ import annotations

from types import SimpleNamespace

import bpy
import pytest

from .test_control_panel import PREFERENCES, Layout
from .test_several import add, settings  # noqa: F401


class Sidebar(Layout):
    """Also remembers buttons, and draws the lines of lists."""

    def operator(self, idname, text="", icon="NONE", depress=False, emboss=True):
        self.texts.append(f"[{text}]{'*' if depress else ''}")
        return super().operator(idname, text, icon)

    def popover(self, name, text="", icon="NONE"):
        assert hasattr(bpy.types, name)

    def prop(self, holder, name, index=-1, text="", icon="NONE", placeholder="", slider=False, toggle=False):
        super().prop(holder, name, index)


@pytest.fixture
def draw(settings, extension):  # noqa: F811
    """Draws a panel of the sidebar by its name; gives its layout."""
    module = extension("blender.panels")

    def shown(name: str = "performance") -> Sidebar:
        layout = Sidebar(module)
        layout.region = SimpleNamespace(width=400)
        context = SimpleNamespace(region=layout.region, preferences=PREFERENCES, scene=bpy.context.scene)
        getattr(module, f"SEMBLANCE_PT_{name}").draw(SimpleNamespace(layout=layout), context)
        return layout

    return shown


def test_one_character_is_chosen_as_ever_and_several_have_ticks(draw):
    add("Pip")
    one = draw()
    assert "Character" in one.texts and ("character", bpy.data.objects["Pip"]) in one.shown
    add("Gus")
    several = draw()
    assert {"Characters", "Pip", "Gus"} <= set(several.texts)
    assert [value for name, value in several.shown if name == "use"] == [False, True]


def test_a_line_says_how_its_character_plays_and_who_is_gone(draw, settings):  # noqa: F811
    _, gus = add("Pip", "Gus")
    settings.actors[0].strength = 1.5
    assert "×1.5" in draw().texts
    bpy.data.objects.remove(gus)
    assert "(gone)" in draw().texts


def test_the_button_says_which_side_is_on(draw, settings):  # noqa: F811
    add("Pip")
    assert not [text for text in draw().texts if text.startswith(("[After", "[Before"))]
    bpy.ops.semblance.take_apply()
    assert "[After: smile]*" in draw().texts
    bpy.ops.semblance.take_compare()
    assert "[Before: no keys]" in draw().texts
    settings.use_nla = True
    bpy.ops.semblance.take_apply()
    assert "[After: smile.001]*" in draw().texts


def test_track_says_what_it_saw_until_there_is_another_source(draw, settings):  # noqa: F811
    settings.source = "dance.mp4"
    settings.take, settings.found = "dance.take", "A body in 90% of the frames. No hand was seen."
    layout = draw()
    assert ("use_body", False) in layout.shown and "A body in 90%" in " ".join(layout.texts)
    settings.source = "other.take"
    assert settings.found == "" and "use_body" not in dict(draw().shown)


def test_style_is_there_once_a_character_is_chosen(draw, extension):
    style = extension("blender.panels").SEMBLANCE_PT_style
    assert not style.poll(bpy.context)
    add("Pip")
    assert style.poll(bpy.context)
    assert {name for name, _ in draw("style").shown} == {"strength", "head_and_gaze", "mirror"}
