"""Writes TensorFlow Lite's operators as ONNX, so that onnxruntime runs them fast on a processor.

Sources: the ONNX operator pages, and MediaPipe's custom operators (google-ai-edge/mediapipe, Apache-2.0) for what the
three custom operators of its face mesh compute.
"""
from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from flatbuffers import flexbuffers
from onnx import TensorProto, helper, numpy_helper

from .tflite_reading import TfliteNetwork

OPSET = 17
SAME = 0
"""TensorFlow Lite's code for "pad so that the output is input / stride, rounded up"; 1 is "no padding"."""
RELU, RELU6 = 1, 3
"""TensorFlow Lite's codes for what is fused into the operator before it; 0 is "none"."""
NARROW = 512
"""Fewer values than these stay float16 where larger ones are stored in bytes: they would save nothing."""


class OnnxWriter:
    """Collects nodes and weights; every method returns the name of what it made.

    With `in_bytes` kernels are stored as int8 with one scale for each of their outputs.
    """

    def __init__(self, in_bytes: bool = False) -> None:
        self.in_bytes = in_bytes
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._spaced: tuple[str, ...] = ()
        self._lower: set[str] = set()

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append one operator with one output."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def weight(self, value: Any) -> str:
        """A constant; float16 stays float16 in the file and is widened, which onnxruntime does once, when it loads."""
        array = np.ascontiguousarray(value)
        if array.dtype == np.float16 and array.size >= NARROW and _packs_smaller_apart(array):
            return self._apart(array)
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return self.node("Cast", name, to=TensorProto.FLOAT) if array.dtype == np.float16 else name

    def _apart(self, array: np.ndarray) -> str:
        """A float16 constant, its upper bytes (sign, exponent, two bits) apart from its lower ones.

        Values with one upper byte are evenly spaced, so that each is exactly the first of them + step · lower byte.
        """
        if not self._spaced:
            corners = np.arange(0, 1 << 16, 256, dtype=np.uint16)
            first, second = (bits.view(np.float16).astype(np.float32) for bits in (corners, corners + 1))
            finite = np.isfinite(first) & np.isfinite(second)
            tables = np.where(finite, first, 0), np.subtract(second, first, where=finite, out=np.zeros_like(first))
            self._spaced = self.floats(tables[0]), self.floats(tables[1])
        upper, lower = (self.weight(half) for half in _bytes(array))
        self._lower.add(lower)
        which = self.node("Cast", upper, to=TensorProto.INT32)
        first, step = (self.node("Gather", table, which) for table in self._spaced)
        return self.node("Add", first, self.node("Mul", step, self.node("Cast", lower, to=TensorProto.FLOAT)))

    def kernel(self, value: np.ndarray) -> str:
        """The weights [outputs, ...] of a convolution or of a product."""
        if not self.in_bytes or value.size < NARROW:
            return self.weight(value)
        wide = value.astype(np.float32)
        scale = np.abs(wide).reshape(len(wide), -1).max(1).reshape(-1, *[1] * (wide.ndim - 1)) / 127
        scale = np.where(scale > 0, scale, 1).astype(np.float32)
        steps = self.weight(np.rint(wide / scale).astype(np.int8))
        return self.node("Mul", self.node("Cast", steps, to=TensorProto.FLOAT), self.floats(scale))

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
        nodes = self._needed(outputs)
        read = {each for node in nodes for each in node.input}
        # A zip packs what is alike best side by side.
        alike = sorted(self.weights, key=lambda each: (each.data_type, each.name in self._lower))
        graph = helper.make_graph(nodes, name, given, made, [each for each in alike if each.name in read])
        model = helper.make_model(graph, producer_name="semblance", opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 8  # the oldest that OPSET allows, so that older onnxruntimes read it
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)

    def _needed(self, outputs: Iterable[str]) -> list[onnx.NodeProto]:
        """The nodes that these outputs are made from, in their order."""
        wanted, kept = set(outputs), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                kept.append(node)
        return kept[::-1]


def _bytes(array: np.ndarray) -> list[np.ndarray]:
    """The upper and the lower bytes of float16, uint8 of the same shape."""
    pairs = array.astype("<f2").view(np.uint8).reshape(*array.shape, 2)
    return [np.ascontiguousarray(pairs[..., half]) for half in (1, 0)]


def _packs_smaller_apart(array: np.ndarray) -> bool:
    """True if a zip packs the two bytes of float16 smaller apart: a tenth, but not where most values are 0."""
    return sum(len(zlib.compress(half, 9)) for half in _bytes(array)) < len(zlib.compress(array, 9))


class Converter:
    """Writes one TfliteNetwork's operators as ONNX; pictures become [1, channels, height, width] on the way."""

    def __init__(self, network: TfliteNetwork, scale: float, shift: float, in_bytes: bool = False) -> None:
        self.network = network
        self.onnx = OnnxWriter(in_bytes)
        self.padded: dict[int, np.ndarray] = {}
        """Tensor → pixels [4] (above, left, below, right) of zeros that the next convolution is to see around it."""
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
        tensor = int(operator.inputs[place])
        assert tensor not in self.padded or "CONV" in self.network.kind(operator)
        return self.names[tensor]

    def _constant(self, operator: Any, place: int) -> np.ndarray:
        return self.network.constants[int(operator.inputs[place])]

    def _made(self, operator: Any, name: str) -> None:
        options = operator.builtinOptions
        activation = getattr(options, "fusedActivationFunction", 0)
        if activation == RELU:
            name = self.onnx.node("Relu", name)
        elif activation == RELU6:
            name = self.onnx.node("Clip", name, self.onnx.floats(0), self.onnx.floats(6))
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
        elif int(operator.inputs[0]) in self.padded:
            pads = [int(n) for n in self.padded[int(operator.inputs[0])]]
        return {"strides": strides, "pads": pads, "kernel_shape": [height, width]}

    def _conv_2d(self, operator: Any) -> None:
        kernel, bias = self._constant(operator, 1), self._constant(operator, 2)  # kernel [out, height, width, in]
        window = self._window(operator, *kernel.shape[1:3])
        if self.names[int(operator.inputs[0])] == self.names[self.network.input]:
            kernel = kernel[..., ::-1]  # trained on RGB, our pictures are BGR
        weights = self.onnx.kernel(kernel.transpose(0, 3, 1, 2)), self.onnx.weight(bias)
        self._made(operator, self.onnx.node("Conv", self._input(operator), *weights, **window))

    def _depthwise_conv_2d(self, operator: Any) -> None:
        kernel, bias = self._constant(operator, 1), self._constant(operator, 2)  # kernel [1, height, width, channels]
        window = self._window(operator, *kernel.shape[1:3])
        weights = self.onnx.kernel(kernel.transpose(3, 0, 1, 2)), self.onnx.weight(bias)
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
        values = self._constant(operator, 1).reshape(-1, 1, 1, 1)
        slope = write.weight(values)
        below = write.node("Conv", x, slope, group=len(values))
        rest = write.node("Sub", write.floats(1), slope)
        above = write.node("Conv", write.node("Relu", x), rest, group=len(values))
        self._made(operator, write.node("Add", below, above))

    def _relu(self, operator: Any) -> None:
        self._made(operator, self.onnx.node("Relu", self._input(operator)))

    def _add(self, operator: Any) -> None:
        self._made(operator, self.onnx.node("Add", self._input(operator), self._input(operator, 1)))

    def _pad(self, operator: Any) -> None:
        """Pixels of zeros for the next convolution, or channels of zeros behind the others.

        The channels are made by a 1×1 convolution for the reason given in _prelu.
        """
        before, after = self._constant(operator, 1).T
        if before[1:3].any() or after[1:3].any():
            assert not (before[[0, 3]].any() or after[[0, 3]].any())
            self.padded[int(operator.outputs[0])] = np.concatenate([before[1:3], after[1:3]])
            self._made(operator, self._input(operator))
            return
        assert not before.any() and not after[:3].any()
        channels = self.network.shape(int(operator.inputs[0]))[3]
        keep = np.eye(channels + after[3], channels)[:, :, None, None]
        self._made(operator, self.onnx.node("Conv", self._input(operator), self.onnx.floats(keep)))

    def _concatenation(self, operator: Any) -> None:
        parts = [self._input(operator, i) for i in range(len(operator.inputs))]
        self._made(operator, self.onnx.node("Concat", *parts, axis=operator.builtinOptions.axis))

    def _strided_slice(self, operator: Any) -> None:
        begin, end, strides = (self._constant(operator, i) for i in (1, 2, 3))
        size = self.network.shape(int(operator.inputs[0]))
        assert not begin.any() and tuple(end[:-1]) == size[:-1] and (strides == 1).all()
        name = self._input(operator)
        if end[-1] != size[-1]:  # the first channels
            name = self.onnx.node("Slice", name, *(self.onnx.indices(v) for v in ([0], [end[-1]], [1])))
        self._made(operator, name)

    def _resize_bilinear(self, operator: Any) -> None:
        """Enlarged to twice its size: each of the four pixels is 3/4 and 1/4 of its neighbours in both directions."""
        options = operator.builtinOptions
        assert options.halfPixelCenters and not options.alignCorners
        _, height, width, channels = self.network.shape(int(operator.outputs[0]))
        size = self.onnx.indices([1, channels, height, width])
        self._made(operator, self.onnx.node(
            "Resize", self._input(operator), "", "", size, mode="linear", coordinate_transformation_mode="half_pixel"
        ))

    def _depth_to_space(self, operator: Any) -> None:
        size = operator.builtinOptions.blockSize
        self._made(operator, self.onnx.node("DepthToSpace", self._input(operator), blocksize=size, mode="DCR"))

    def _mean(self, operator: Any) -> None:
        """Over the whole picture, of each channel."""
        assert set(self._constant(operator, 1).tolist()) == {1, 2} and not operator.builtinOptions.keepDims
        self._made(operator, self.onnx.node("Flatten", self.onnx.node("GlobalAveragePool", self._input(operator))))

    def _fully_connected(self, operator: Any) -> None:
        weights = self.onnx.kernel(self._constant(operator, 1)), self.onnx.weight(self._constant(operator, 2))
        self._made(operator, self.onnx.node("Gemm", self._input(operator), *weights, transB=1))

    def _logistic(self, operator: Any) -> None:
        self._made(operator, self.onnx.node("Sigmoid", self._input(operator)))

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
