"""A stand-in for the expression network whose answers can be foretold."""
from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

_NETWORK = """<ir_version: 8, opset_import: ["" : 17]>
stand_in (float[n,478,3] landmarks, uint8[n,128,128,3] crop) => (
    float[n,54] coefficients, float[n,2,2] gaze, float[n,3] head, float[n,128] embedding, float[n,7] classes,
    float[n] confidence
) <
    int64 first = {0}, int64[1] one = {1}, int64[1] two = {2}, float seven = {7}, float full = {255},
    float nought = {0}, float half = {0.5},
    int64[2] coefficients_size = {1, 54}, int64[3] gaze_size = {1, 2, 2}, int64[2] embedding_size = {1, 128},
    int64[2] classes_size = {1, 7}
> {
    point = Gather <axis = 1> (landmarks, first)
    unknown = IsNaN (point)
    head = Where (unknown, seven, point)
    numbers = Cast <to = 1> (crop)
    shares = Div (numbers, full)
    mean = ReduceMean <axes = [1, 2, 3], keepdims = 0> (shares)
    column = Unsqueeze (mean, one)
    block = Unsqueeze (column, two)
    coefficients = Expand (column, coefficients_size)
    gaze = Expand (block, gaze_size)
    embedding = Expand (column, embedding_size)
    classes = Expand (column, classes_size)
    nothing = Mul (mean, nought)
    confidence = Add (nothing, half)
}
"""
SHAPES = {"coefficients": [54], "gaze": [2, 2], "head": [3], "embedding": [128], "classes": [7], "confidence": []}


def write_model(folder: Path) -> Path:
    """A model folder; each output is the crop's mean / 255 everywhere, but `confidence` is 0.5 and `head` is the first
    landmark (x, y, z), or 7 where that is NaN.
    """
    onnx = pytest.importorskip("onnx")
    data = onnx.parser.parse_model(_NETWORK).SerializeToString()
    rows = [("input", "landmarks", [478, 3]), ("input", "crop", [128, 128, 3])]
    rows += [("output", name, shape) for name, shape in SHAPES.items()]
    card = f'schema = 1\nname = "stand_in"\nversion = "1"\nlicence = "-"\ndata = "-"\nsha256 = "{_sha256(data)}"\n'
    card += "".join(f'[[{kind}]]\nname = "{name}"\nshape = {[-1, *shape]}\n' for kind, name, shape in rows)
    (folder / "model.onnx").write_bytes(data)
    (folder / "card.toml").write_text(card)
    return folder


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
