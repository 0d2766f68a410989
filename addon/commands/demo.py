"""Show it all on the clip in the repository: track it, compare with the truth, drive Pip, render (a checkout only).

The clip is a synthetic performer, so the true expression of each frame is known; the correlation with it is printed.
Written to out/: demo.take, demo.blend to open in Blender, demo.mp4 (performer and Pip side by side) and demo.png.
"""
from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from ..core import coefficients
from ..core.errors import SemblanceError, require
from ..core.files import replacing
from ..core.paths import ROOT
from ..core.rig_profile import find_profile
from ..core.take import Take, write_take
from ..live.performance import record_take
from ..tracking.sources import open_source
from .apply import require_bpy
from .side_by_side import beside, contact_sheet, telling_moments
from .terminal import progress_display, without_chatter

CLIP: Final = ROOT / "assets" / "demo" / "performer.mp4"
TRUTH: Final = CLIP.with_name("truth.csv")
CHARACTER: Final = "Pip"
HEIGHT_PX: Final = 480
_CLOSER: Final = 1.35
_UPWARDS: Final = 0.07
SHEET_COLUMNS: Final = 6
SHEET_CELL_PX: Final = 300
# A coefficient that hardly moves in the clip has no curve to compare.
_LEAST_SPREAD: Final = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance demo` takes."""
    parser.add_argument("--out", type=Path, default=ROOT / "out", metavar="FOLDER", help="where to write (out/)")


def run(args: argparse.Namespace) -> int:
    """Track, compare, key, render; returns the exit code."""
    if not CLIP.is_file():
        raise SemblanceError(f"The demo's clip '{CLIP}' is missing; run the demo in a checkout of the repository.")
    require_bpy()
    out: Path = args.out.resolve()
    print(f"1/4  Tracking the performer in '{CLIP.name}'", flush=True)
    take = track(CLIP)
    write_take(take, out / "demo.take")
    print("2/4  Comparing with the truth (correlation; 1 = the same curve)", flush=True)
    print(comparison(take, *read_truth(TRUTH)), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(f"3/4  Keying and rendering {CHARACTER}", flush=True)
        with without_chatter():
            pictures = key_and_render(take, out / "demo.blend", Path(folder, "pip"))
        print("4/4  Putting performer and Pip side by side", flush=True)
        with without_chatter():
            film(take, pictures, Path(folder, "film"), out)
    print(
        f"\nDone. In '{out}' there are now:\n"
        f"  demo.mp4    performer and {CHARACTER} side by side\n"
        f"  demo.png    {SHEET_COLUMNS} moments of it\n"
        f"  demo.blend  {CHARACTER} with the keys; open it in Blender and press Space\n"
        f"  demo.take   the performance, for 'semblance apply' or 'semblance export'"
    )
    return 0


def track(clip: Path) -> Take:
    """The clip's performance, with a progress bar."""
    progress = progress_display("bar", "    ")
    try:
        return record_take(str(clip), progress=progress)
    finally:
        progress.close()


def read_truth(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """True coefficients float [T, 54] and head (yaw, pitch, roll) float [T, 3] rad, from a CSV with a row per frame.

    Raises:
        SemblanceError: if the file is missing, or a column or a number is not there.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = (coefficients.NAMES, ("headYaw", "headPitch", "headRoll"))
        values, head = (np.array([[float(row[name]) for name in names] for row in rows]) for names in columns)
    except OSError as error:
        raise SemblanceError(f"Cannot read the true coefficients '{path}': {error.strerror}.") from error
    except (KeyError, ValueError, TypeError) as error:
        raise SemblanceError(f"The true coefficients '{path}' are damaged: {error}.") from error
    return values, head


def comparison(take: Take, truth: np.ndarray, head: np.ndarray) -> str:
    """Mean Pearson r as a table: per group and over all moving coefficients of `truth` [T, 54]; of `head` [T, 3]."""
    if len(truth) != len(take):
        raise SemblanceError(f"'{TRUTH}' has {len(truth)} rows for {len(take)} frames of the clip.")
    correlation = correlations(take.smoothed.coefficients, truth)
    parts = {group: correlation[coefficients.in_group(group)] for group in coefficients.GROUPS}
    parts |= {"all": correlation, "head": correlations(take.smoothed.head, head)}
    lines = []
    for name, values in parts.items():
        moving = values[np.isfinite(values)]
        if len(moving):
            lines.append(f"     {name:<9} {moving.mean():5.2f}  ({len(moving)} of {len(values)} move)")
    return "\n".join(lines)


def correlations(ours: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Pearson r float [C] of each column of `ours` and `truth` [T, C]; NaN where the truth does not move.

    A column of ours that never moves where the truth does counts as 0.
    """
    a, b = ours - ours.mean(axis=0), truth - truth.mean(axis=0)
    spread = np.sqrt((a * a).mean(axis=0) * (b * b).mean(axis=0))
    r = np.divide((a * b).mean(axis=0), spread, out=np.zeros(a.shape[1]), where=spread > 1e-9)
    return np.where(truth.std(axis=0) >= _LEAST_SPREAD, r, np.nan)


def key_and_render(take: Take, blend: Path, folder: Path) -> list[Path]:
    """Key the take on the character in a scene at the clip's rate, save it as `blend`, render a PNG per frame."""
    from ..blender.apply import apply_take
    from ..blender.rendering import ensure_camera, render_clip
    from ..blender.scenes import ensure_character, open_scene, save_scene

    profile = find_profile(CHARACTER)
    scene = open_scene(None)
    fps = rate_of(take)
    # This scene is the demo's own, so it takes the clip's rate.
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps
    armature = ensure_character(scene, profile)
    applied = apply_take(take, profile, scene, "demo", armature=armature)
    frames = (int(applied.keyed.frames[0]), int(applied.keyed.frames[-1]))
    scene.frame_start, scene.frame_end = frames
    camera = ensure_camera(scene, armature)
    # The whole bust is in the picture by default; the face is what the demo is about.
    camera.data.lens *= _CLOSER
    camera.data.shift_y = _UPWARDS
    save_scene(blend)
    print(f"     {applied.keyed.controls} controls keyed on {len(applied.keyed.frames)} frames")
    progress = progress_display("bar", "    ")
    try:
        render_clip(scene, folder, frames, (HEIGHT_PX, HEIGHT_PX), video=False, progress=progress)
    finally:
        progress.close()
    return sorted(folder.glob("*.png"))


def film(take: Take, pictures: list[Path], folder: Path, out: Path) -> None:
    """Write demo.mp4 and demo.png from the clip's frames and Pip's `pictures`, one for each."""
    from ..blender.movie import encode

    cv2 = require("cv2", "Writing pictures")
    moments = set(telling_moments(take.smoothed.coefficients, SHEET_COLUMNS).tolist())
    folder.mkdir()
    joined, chosen = [], []
    for i, (performer, character) in enumerate(_pairs(pictures)):
        joined.append(folder / f"{i:05}.png")
        # Fast to write: they live for seconds.
        picture = beside((performer, character), HEIGHT_PX, ("performer", CHARACTER))
        cv2.imwrite(str(joined[-1]), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
        if i in moments:
            chosen.append((performer, character))
    encode(joined, out / "demo.mp4", rate_of(take))
    with replacing(out / "demo.png") as partial:
        cv2.imwrite(str(partial), contact_sheet(chosen, SHEET_CELL_PX))


def _pairs(pictures: list[Path]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    cv2 = require("cv2", "Reading pictures")
    with open_source(str(CLIP)) as source:
        for frame, picture in zip(source, pictures, strict=False):
            yield frame.image, cv2.imread(str(picture))


def rate_of(take: Take) -> float:
    """Frames per second by the take's own clock."""
    return (len(take) - 1) / float(take.times_s[-1] - take.times_s[0])
