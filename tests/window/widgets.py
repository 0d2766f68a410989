"""What the panels of our tab draw, told by their code and not by the screen: buttons, properties, error sentences."""
from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import bpy

_NAMED_BY = {"operator": 0, "operator_menu_enum": 0, "menu": 0, "popover": 0, "template_list": 0, "prop": 1}
"""Calls of a layout → which argument says what is drawn."""


class _Layout:
    """Stands in for Blender's, which cannot be asked what is in it."""

    def __init__(self, drawn: list[str]) -> None:
        self.__dict__["drawn"] = drawn

    def __setattr__(self, name: str, value: object) -> None:
        """`scale_y` and the like."""

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*arguments: object, text: str = "", icon: str = "NONE", **others: object) -> object:
            if name in _NAMED_BY:
                self.drawn.append(f"{name} {arguments[_NAMED_BY[name]]}")
            elif name == "label" and icon == "ERROR":
                self.drawn.append("error " + re.sub(r"\d+", "#", text))
            return SimpleNamespace() if name.startswith("operator") else _Layout(self.drawn)

        return call


def drawn_widgets(area: bpy.types.Area, panels: list[type[bpy.types.Panel]]) -> list[str]:
    """A line for each widget of each panel that is there now, open or closed."""
    drawn: list[str] = []
    region = next(each for each in area.regions if each.type == "UI")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
        context = bpy.context
        for cls in panels:
            if getattr(cls, "bl_category", "") == "Semblance" and hasattr(bpy.types, cls.__name__) and (
                    not hasattr(cls, "poll") or cls.poll(context)):
                drawn.append(f"panel {cls.__name__.removeprefix('SEMBLANCE_PT_')}")
                cls.draw(SimpleNamespace(layout=_Layout(drawn)), context)
    return drawn
