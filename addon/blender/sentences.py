"""Sentences in panels and dialogs, over as many lines as they need."""
from __future__ import annotations

import textwrap
from functools import lru_cache

import bpy

from .translations import said

# Mean width of a letter of the interface, at scale 1.
_LETTER_PX = 6.6


def draw_sentence(
    layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE", width: int = 0
) -> None:
    """Write `text` over as many lines as the sidebar's width needs; Blender's labels do not wrap.

    Args:
        width: of a dialog instead, in pixels at scale 1.
    """
    width = width or int(context.region.width / context.preferences.system.ui_scale)
    letters = max(20, int(width / _LETTER_PX) - 6)
    column = layout.column(align=True)
    column.scale_y = 0.75
    for index, line in enumerate(_wrapped(said(text), letters)):
        column.label(text=line, icon=icon if index == 0 else "NONE" if icon == "NONE" else "BLANK1")


@lru_cache(maxsize=64)
def _wrapped(text: str, letters: int) -> list[str]:
    return textwrap.wrap(text, letters)
