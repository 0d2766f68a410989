"""Draw docs/pictures/body_tracked.jpg and body_styles.jpg: the shared CMU motion on Pip's whole body.

    python -m training.picture_walk [--out docs/pictures]

In the first a figure drawn from the motion is tracked as a film is, and Pip plays the take; in the second Pip plays the
motion itself, with a face in three styles that belongs to it.
"""
from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from addon.characters.body_landmarks import landmarks_of
from addon.commands import sheets
from addon.core.body_motion import resampled
from addon.core.bvh import read_bvh
from addon.core.files import write_bytes
from addon.core.frames import Frame, stack_bodies
from addon.core.rig_profile import find_profile
from addon.expression.from_body import FPS, built_in_style, face_from_body
from addon.tracking.body import BodyTracker

from .body_motion_sets import WALK
from .drawn_bodies import figure
from .performers import shared_folder

CELL: Final = (200, 280)
FIRST, STEP, COUNT = 400, 4, 75
"""Of the motion's frames, 120 a second: those of the film."""
TRACKED: Final = (4, 12, 20, 28, 36, 44, 52)
STYLES: Final = ("joyful", "weary", "angry")
MOMENTS: Final = (40, 75, 110, 150, 330, 430, 520)
"""Scene frames, 24 a second."""
_AROUND: Final = np.radians(25)
"""How far from the front the second picture is taken."""
_AWAY, _UP, _LENS_MM = 21.0, -2.45, 85.0


def tracked() -> np.ndarray:
    """The drawn figure, and Pip with what was tracked of it; uint8 [H, W, 3] BGR."""
    from addon.blender.body_keys import key_body

    motion, tracker = read_bvh(shared_folder() / WALK), BodyTracker()
    drawn = [figure(motion, FIRST + STEP * i, 0.5) for i in range(COUNT)]
    track = stack_bodies([tracker.track(Frame(image, i * STEP / 120, i)) for i, image in enumerate(drawn)])
    scene, pip = _pip()
    key_body(track, pip, "tracked", scene)
    played = [1 + round(i * STEP / 120 * scene.render.fps) for i in TRACKED]
    film = [cv2.resize(drawn[i], None, fx=CELL[1] / drawn[i].shape[0], fy=CELL[1] / drawn[i].shape[0],
                       interpolation=cv2.INTER_AREA)[:, :CELL[0]] for i in TRACKED]
    return _sheet({"a drawn film": film, "Pip": _pictures(scene, pip, played, turning=False)})


def styles() -> np.ndarray:
    """Pip with the motion and a face in each style."""
    from addon.blender.apply import apply_take
    from addon.blender.keying import Placement

    motion, rows = read_bvh(shared_folder() / WALK), {}
    body = landmarks_of(resampled(motion, FPS))
    for style in STYLES:
        scene, pip = _pip()
        take = replace(face_from_body(motion, built_in_style(style), 1.0, False, 0), body=body)
        apply_take(take, find_profile("Pip"), scene, style, Placement(body=True), pip)
        rows[style] = list(_pictures(scene, pip, MOMENTS, turning=True))
    return _sheet(rows)


def _pip() -> tuple[Any, Any]:
    """An empty scene with Pip and a camera before a plain backdrop."""
    import bpy

    from addon.blender.rendering import set_stage
    from addon.blender.scenes import ensure_character, open_scene

    scene = open_scene(None)
    pip = ensure_character(scene, find_profile("Pip"))
    set_stage(scene)
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.camera.data.lens = _LENS_MM
    return scene, pip


def _pictures(scene: Any, pip: Any, frames: Sequence[int], turning: bool) -> Iterator[np.ndarray]:
    """One of each scene frame, uint8 [H, W, 3] BGR; `turning`, the camera goes around as he turns."""
    from mathutils import Vector

    from addon.blender.rendering import render_clip

    for frame in frames:
        scene.frame_set(frame)
        hips = pip.pose.bones["DEF-spine"]
        front = hips.matrix.to_3x3() @ hips.bone.matrix_local.to_3x3().inverted() @ Vector((0, -1, 0))
        angle = np.arctan2(front.x, -front.y) + _AROUND if turning else 0.0
        middle = Vector((hips.head.x, hips.head.y, _UP))
        scene.camera.location = middle + Vector((_AWAY * np.sin(angle), -_AWAY * np.cos(angle), 1))
        scene.camera.rotation_euler = (middle - scene.camera.location).to_track_quat("-Z", "Y").to_euler()
        with tempfile.TemporaryDirectory() as folder:
            render_clip(scene, Path(folder) / "one", (frame, frame), CELL, video=False)
            yield cv2.imread(str(next((Path(folder) / "one").glob("*.png"))))


def _sheet(rows: dict[str, Any]) -> np.ndarray:
    width, height = CELL
    pictures = {words: list(row) for words, row in rows.items()}
    sheet = sheets.blank(width * max(len(row) for row in pictures.values()), height * len(rows))
    for down, (words, row) in enumerate(pictures.items()):
        for across, picture in enumerate(row):
            sheets.place(sheet, picture, across * width, down * height)
        sheets.write(sheet, words, 8, down * height + 20, 10, (60, 50, 45))
    return sheet


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    args = parser.parse_args()
    for name, draw in (("body_tracked", tracked), ("body_styles", styles)):
        path = args.out / f"{name}.jpg"
        write_bytes(path, cv2.imencode(".jpg", draw(), [cv2.IMWRITE_JPEG_QUALITY, 84])[1].tobytes())
        print(f"Wrote '{path}'.")


if __name__ == "__main__":
    main()
