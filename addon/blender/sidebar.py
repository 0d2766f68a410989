"""What all panels of the "Semblance" tab share."""
from __future__ import annotations

import bpy

from .tracking_job import State
from .translations import said


class Sidebar:
    """A panel of the tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Semblance"


def draw_progress(layout: bpy.types.UILayout, state: State, done: str, cancel: str) -> None:
    """How far a child process is: `done` in words, and the button of the operator `cancel`."""
    row = layout.row(align=True)
    row.scale_y = 1.4
    row.progress(factor=state.share, text=said(done) if state.done else "Starting")
    row.operator(cancel, text="", icon="X")


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Let every sidebar show what has changed."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
