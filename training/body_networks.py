"""What surrounds MediaPipe's body and hand networks in ONNX: pictures to floats, anchors, logits to probabilities.

Facts from MediaPipe's graph configurations (google-ai-edge/mediapipe, Apache-2.0), as `CalculatorGraph.text_config`
tells them of the pinned wheel. The hand's weights are stored in bytes, half the size of float16: no difference is
seen. Those of the pose network are not: its landmarks would move by 1.2 px of its 256 and by 2 cm (six bits of the ten
of float16's mantissa cost 0.6 px).
"""
from __future__ import annotations

from onnx import helper

from .tflite_reading import TfliteNetwork
from .tflite_to_onnx import Converter, OnnxWriter

HAND_DEPTH = 0.4
"""The hand network's depth is so much smaller than it is in the scale of x."""


def pose_detector(network: TfliteNetwork) -> bytes:
    """Pose detector: boxes [2254, 12], the face and four points of the body, as the card says."""
    return detector(network, "pose_detector", 224, ((28, 2), (14, 2), (7, 6)))


def palm_detector(network: TfliteNetwork) -> bytes:
    """Palm detector: boxes [2016, 18] around palms with seven points of the hand, as the card says."""
    return detector(network, "palm_detector", 192, ((24, 2), (12, 6)), darkest=0.0, in_bytes=True)


def pose(network: TfliteNetwork) -> bytes:
    """Pose network: 33 landmarks and 6 points more, in px of the 256-px crop and in metres; the mask is left out."""
    write = (converter := Converter(network, 1 / 255, 0.0)).onnx
    points = write.node("Reshape", converter.names[network.outputs["Identity"]], write.indices([39, 5]))
    _given(write, "landmarks", "Slice", points, *_columns(write, 0, 3))
    seen = write.node("Slice", points, *_columns(write, 3, 4))
    _given(write, "visibility", "Sigmoid", write.node("Reshape", seen, write.indices([39])))
    _given(write, "presence", "Reshape", converter.names[network.outputs["Identity_1"]], write.indices([1]))
    heat = converter.names[network.outputs["Identity_3"]]
    _given(write, "heat", "Reshape", heat, write.indices([39, 64, 64]))
    _given(write, "world", "Reshape", converter.names[network.outputs["Identity_4"]], write.indices([39, 3]))
    shapes = {"landmarks": (39, 3), "visibility": (39,), "presence": (1,), "heat": (39, 64, 64), "world": (39, 3)}
    return write.model("pose", 256, shapes)


def hand(network: TfliteNetwork) -> bytes:
    """Hand network: 21 landmarks in px of the 224-px crop and in metres."""
    write = (converter := Converter(network, 1 / 255, 0.0, in_bytes=True)).onnx
    points = write.node("Reshape", converter.names[network.outputs["Identity"]], write.indices([21, 3]))
    _given(write, "landmarks", "Mul", points, write.floats([[1, 1, 1 / HAND_DEPTH]]))
    _given(write, "presence", "Reshape", converter.names[network.outputs["Identity_1"]], write.indices([1]))
    _given(write, "right", "Reshape", converter.names[network.outputs["Identity_2"]], write.indices([1]))
    _given(write, "world", "Reshape", converter.names[network.outputs["Identity_3"]], write.indices([21, 3]))
    return write.model("hand", 224, {"landmarks": (21, 3), "presence": (1,), "right": (1,), "world": (21, 3)})


def hand_recrop(network: TfliteNetwork) -> bytes:
    """Re-crop network: centre of the hand and the middle of its region's lower edge, px of the 256-px crop."""
    write = (converter := Converter(network, 1 / 255, 0.0)).onnx
    _given(write, "points", "Reshape", converter.names[network.outputs["output_crop"]], write.indices([2, 2]))
    return write.model("hand_recrop", 256, {"points": (2, 2)})


def detector(
    network: TfliteNetwork, name: str, side: int, grids: tuple[tuple[int, int], ...],
    outputs: tuple[str, str] = ("Identity", "Identity_1"), darkest: float = -1.0, in_bytes: bool = False,
) -> bytes:
    """A detector with anchors of fixed size: boxes (cx, cy, w, h, points; 0..1 of the picture) and scores 0..1.

    `grids` are cells along each side of a layer and how many anchors are in each, `outputs` the boxes and the scores,
    `darkest` what black is to the network; white is 1.
    """
    write = (converter := Converter(network, (1 - darkest) / 255, darkest, in_bytes)).onnx
    places = [(x, y) for cells, times in grids for y in range(cells) for x in range(cells) for _ in range(times)]
    cells_of = [cells for cells, times in grids for _ in range(cells * cells * times)]
    anchors = [((x + 0.5) / cells, (y + 0.5) / cells) for (x, y), cells in zip(places, cells_of, strict=True)]
    columns = network.shape(network.outputs[outputs[0]])[-1]
    offsets = [[*anchor, 0.0, 0.0, *anchor * ((columns - 4) // 2)] for anchor in anchors]  # w, h have no offset
    boxes = write.node("Reshape", converter.names[network.outputs[outputs[0]]], write.indices([len(anchors), columns]))
    boxes = write.node("Mul", boxes, write.floats(1 / side))
    _given(write, "boxes", "Add", boxes, write.floats(offsets))
    scores = write.node("Reshape", converter.names[network.outputs[outputs[1]]], write.indices([len(anchors)]))
    _given(write, "scores", "Sigmoid", scores)
    return write.model(name, side, {"boxes": (len(anchors), columns), "scores": (len(anchors),)})


def _columns(write: OnnxWriter, first: int, last: int) -> tuple[str, ...]:
    """What Slice takes for the columns first..last - 1."""
    return tuple(write.indices(value) for value in ([first], [last], [1]))


def _given(write: OnnxWriter, name: str, kind: str, *inputs: str) -> None:
    """Append the operator that makes the output `name`."""
    write.nodes.append(helper.make_node(kind, list(inputs), [name]))
