"""The whole way from a long clip to a saved scene, beside how peers go it: time and memory against the clip's length.

    python -m training.bench ship.end_to_end_ratio    the figure
    python -m training.ship_speed                     the same at three lengths, drawn into docs/pictures/speed.png

Ours: `record_take` (decode, track, encode, calibrate, smooth), the take, keys on Pip, the saved scene. The peers' way
is that of the add-ons that capture faces in Blender: each picture through MediaPipe's Face Landmarker in video mode,
its 52 blendshapes to shape keys and the head to a rotation, a `keyframe_insert` for each. Its inserts get slower with
each key that a curve has, so that the whole of ten minutes takes a quarter of an hour: it is run at seven places of the
clip, with curves as long as they are there, and summed up between these.

The clip is the shared webcam video again and again, its packets copied. Each side runs in a process of its own.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from addon.core.paths import ROOT

from .figures import Row
from .performers import shared_folder

MINUTES: Final = 10.0
PLOTTED: Final = (1.0, 2.5, 10.0)
PLACES: Final = 7
"""Where the peers' way is measured, evenly from the first frame to the last."""
SLICE: Final = 24
"""Frames that are measured at each place."""
PICTURE: Final = ROOT / "docs" / "pictures" / "speed.png"
RIVAL: Final = "MediaPipe Face Landmarker + keyframe_insert"


def long_clip(path: Path, minutes: float) -> int:
    """Write the webcam video over and over to `path`, without encoding it again; returns its frames."""
    import av

    source = shared_folder() / "data" / "webcam_video" / "man_at_webcam.mp4"
    frames, shift = 0, 0
    with av.open(str(path), "w") as out:
        stream = None
        while True:
            with av.open(str(source)) as clip:
                video = clip.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                limit = minutes * 60 / float(video.time_base)
                for packet in clip.demux(video):
                    if packet.dts is None:
                        continue
                    if packet.dts + shift >= limit:
                        return frames
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                    frames += 1
                    out.mux(packet)
                shift += video.duration


def ours(clip: Path, folder: Path) -> dict[str, Any]:
    """The whole way; seconds and CPU seconds of each part, the most memory that it took in MB, frames."""
    from addon.blender.apply import apply_take
    from addon.blender.scenes import ensure_character, open_scene, save_scene
    from addon.core.rig_profile import find_profile
    from addon.core.take import write_take
    from addon.live.performance import record_take

    scene, profile, parts = open_scene(None), find_profile("Pip"), {}
    scene.render.fps = 25
    with _most_memory() as memory:
        with _timed(parts, "decode, track, encode"):
            take = record_take(str(clip))
        with _timed(parts, "write the take"):
            write_take(take, folder / "long.take")
        with _timed(parts, "decode to the rig, keys"):
            apply_take(take, profile, scene, "long", armature=ensure_character(scene, profile))
        with _timed(parts, "save"):
            save_scene(folder / "long.blend")
    return {"frames": len(take), "parts": parts, "memory_mb": memory()}


def peers(clip: Path, frames: int) -> dict[str, Any]:
    """The peers' way at PLACES of a clip of so many frames: seconds and CPU seconds of a frame there, and of saving."""
    import bpy
    import cv2
    from mediapipe.tasks import python as tasks
    from mediapipe.tasks.python import vision

    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(shared_folder() / "models" / "face_landmarker.task")),
        running_mode=vision.RunningMode.VIDEO, output_face_blendshapes=True,
        output_facial_transformation_matrixes=True, num_faces=1,
    )
    capture, places = cv2.VideoCapture(str(clip)), []
    with vision.FaceLandmarker.create_from_options(options) as landmarker, _most_memory() as memory:
        for first in np.linspace(0, frames - SLICE, PLACES).astype(int).tolist():
            insert = _peers_face(first)
            # Not timed: its graph is made with the first picture.
            _peers_frame(landmarker, capture, insert, first)
            spent: dict[str, list[float]] = {}
            with _timed(spent, "slice"):
                for frame in range(first + 1, first + SLICE):
                    _peers_frame(landmarker, capture, insert, frame)
            places.append((first, *(each / (SLICE - 1) for each in spent["slice"])))
        saved: dict[str, list[float]] = {}
        with _timed(saved, "save"), tempfile.TemporaryDirectory() as folder:
            bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/peers.blend", copy=True, compress=True)
    return {"places": places, "save": saved["save"], "memory_mb": memory()}


Insert = Callable[[np.ndarray, np.ndarray, int], None]
"""Keys 52 shapes and a head [4, 4] on a frame."""


def _peers_frame(landmarker: Any, capture: Any, insert: Insert, frame: int) -> None:
    import cv2
    import mediapipe

    _, image = capture.read()
    picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    found = landmarker.detect_for_video(picture, frame * 40)
    if found.face_blendshapes:
        shapes = np.array([shape.score for shape in found.face_blendshapes[0]])
        insert(shapes, found.facial_transformation_matrixes[0], frame + 1)


def _peers_face(length: int) -> Insert:
    """A mesh with 52 shape keys in an empty scene, already keyed on frames 1 to `length`; what keys it further."""
    import bpy
    from mathutils import Matrix

    bpy.ops.wm.read_homefile(use_empty=True)
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata([(0, 0, 0)], [], [])
    face = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(face)
    face.shape_key_add(name="Basis")
    keys = [face.shape_key_add(name=f"shape{number}") for number in range(52)]

    def insert(shapes: np.ndarray, head: np.ndarray, frame: int) -> None:
        for key, value in zip(keys, shapes, strict=True):
            key.value = value
            key.keyframe_insert("value", frame=frame)
        face.rotation_euler = Matrix(head.tolist()).to_euler()
        face.keyframe_insert("rotation_euler", frame=frame)

    if length:
        insert(np.zeros(52), np.eye(4), 1)
        points = np.zeros((length, 2), np.float32)
        points[:, 0], points[:, 1] = np.arange(1, length + 1), np.random.default_rng(0).random(length)
        for owner in (mesh.shape_keys, face):
            data = owner.animation_data
            for curve in data.action.layers[0].strips[0].channelbag(data.action_slot).fcurves:
                curve.keyframe_points.add(length - len(curve.keyframe_points))
                curve.keyframe_points.foreach_set("co", points.ravel())
                curve.update()
    return insert


@contextmanager
def _timed(parts: dict[str, list[float]], name: str) -> Iterator[None]:
    """Adds [seconds, CPU seconds] of what is done meanwhile."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    parts[name] = [time.perf_counter() - wall, time.process_time() - cpu]


@contextmanager
def _most_memory() -> Iterator[Callable[[], float]]:
    """What gives the most memory of its own (MB, without files and libraries) that this process had meanwhile, beyond
    what it had before; 0 where the system does not tell.
    """
    most, over = [_memory_mb(), _memory_mb()], threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            most[1] = max(most[1], _memory_mb())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield lambda: most[1] - most[0]
    finally:
        over.set()
        thread.join()


def _memory_mb() -> float:
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def total(side: dict[str, Any], frames: int, column: int) -> float:
    """Seconds (`column` 0) or CPU seconds (1) of a whole side."""
    if "parts" in side:
        return sum(part[column] for part in side["parts"].values())
    at, *costs = zip(*side["places"], strict=True)
    every = np.arange(frames)
    return float(np.interp(every, at, costs[column]).sum()) + side["save"][column]


def _run(side: str, *arguments: str) -> dict[str, Any]:
    """One side in a process of its own."""
    command = [sys.executable, "-m", "training.ship_speed", side, *arguments]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError((ended.stderr.strip() or "no message").splitlines()[-1])
    return json.loads(ended.stdout.strip().splitlines()[-1])


def compare(minutes: float) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Frames of a clip of so many minutes, and both sides' ways with it."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "long.mp4")
        frames = long_clip(clip, minutes)
        return frames, _run("ours", str(clip), folder), _run("peers", str(clip), str(frames))


def measure() -> dict[str, Row]:
    """Ten minutes of clip the whole way; three to four minutes on a quiet computer.

    The ratio is that of CPU time, which other programs disturb least; that we use two cores at once counts for nothing.
    """
    frames, mine, theirs = compare(MINUTES)
    wall, cpu = ((total(mine, frames, column), total(theirs, frames, column)) for column in (0, 1))
    told = (
        f"{RIVAL}: {cpu[1]:.0f} s of CPU time for {MINUTES:g} minutes of clip, ours {cpu[0]:.0f}; by the clock "
        f"{wall[1] / wall[0]:.1f} ×"
    )
    return {"ship.end_to_end_ratio": Row(cpu[1] / cpu[0], 1.0, told, "×", ">= 5")}


def main() -> None:
    """One side for `_run`, or the plot."""
    parser = argparse.ArgumentParser(prog="training.ship_speed")
    parser.add_argument("side", nargs="?", choices=("ours", "peers"))
    parser.add_argument("arguments", nargs="*")
    args = parser.parse_args()
    if args.side == "ours":
        print("\n" + json.dumps(ours(*map(Path, args.arguments))))
    elif args.side == "peers":
        print("\n" + json.dumps(peers(Path(args.arguments[0]), int(args.arguments[1]))))
    else:
        runs = [compare(minutes) for minutes in PLOTTED]
        print(json.dumps(runs, indent=1))
        draw(runs, PICTURE)


def draw(runs: list[tuple[int, dict[str, Any], dict[str, Any]]], path: Path) -> None:
    """CPU time and memory against the length of the clip, both sides; the longest run last."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    minutes = [frames / 1500 for frames, _, _ in runs]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for name, side, colour in (("Semblance", 1, "#e8743b"), ("MediaPipe, keyframe_insert", 2, "#7a8794")):
        left.plot(minutes, [total(run[side], run[0], 1) / 60 for run in runs], "o", color=colour, label=name)
        right.plot(minutes, [run[side]["memory_mb"] for run in runs], "o-", color=colour, label=name)
    # Between the lengths, as the longest clip went: ours goes on evenly, the peers' way slows down.
    frames, mine, theirs = runs[-1]
    every = np.linspace(0, frames, 200)
    left.plot(every / 1500, every / frames * total(mine, frames, 1) / 60, color="#e8743b")
    left.plot(every / 1500, [total(theirs, int(each), 1) / 60 for each in every], color="#7a8794")
    left.set(xlabel="minutes of clip", ylabel="minutes of CPU time", title="From clip to saved scene", ylim=(0, None))
    right.set(xlabel="minutes of clip", ylabel="MB", title="Most memory on top of Blender's", ylim=(0, None))
    left.legend(frameon=False, loc="upper left", fontsize=9)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
