"""Reads a TensorFlow Lite network: its operators, and its constants as plain arrays.

Sources: the TensorFlow Lite schema (in MediaPipe's wheel), and its description of sparse tensors, which are those of
TACO (Kjolstad et al., "The Tensor Algebra Compiler", 2017): here only the last dimension is sparse, in rows (CSR).
"""
from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

_WIDENING = ("DENSIFY", "DEQUANTIZE")
"""Operators that only turn a stored constant into the one that is used."""
_KINDS = {0: np.float32, 1: np.float16, 2: np.int32}


class TfliteNetwork:
    """The first subgraph of a .tflite file; constants are as they are stored (float16), sparse ones filled up."""

    def __init__(self, data: bytes, schema: ModuleType) -> None:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
        graph = model.subgraphs[0]
        self._model, self._tensors = model, graph.tensors
        self._builtin = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
        self.input = int(graph.inputs[0])
        self.outputs = {graph.tensors[i].name.decode(): int(i) for i in graph.outputs}
        stored = {int(op.outputs[0]): int(op.inputs[0]) for op in graph.operators if self.kind(op) in _WIDENING}
        self.operators = [op for op in graph.operators if self.kind(op) not in _WIDENING]
        made = {int(i) for op in self.operators for i in op.outputs} | {self.input}
        self.constants: dict[int, np.ndarray] = {}
        for tensor in {int(i) for op in self.operators for i in op.inputs} - made:
            origin = tensor
            while origin in stored:
                origin = stored[origin]
            self.constants[tensor] = self._constant(origin)

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
        info = self._tensors[tensor]
        values = np.frombuffer(bytes(self._model.buffers[info.buffer].data), _KINDS[info.type])
        if info.sparsity is not None:
            values = _filled(values, info.sparsity, self.shape(tensor))
        return values.reshape(self.shape(tensor))


def _filled(values: np.ndarray, sparsity: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The values of a tensor whose last dimension is stored in rows, with the zeros between them [rows, columns]."""
    *rows, columns = sparsity.dimMetadata
    assert sparsity.blockMap is None and list(sparsity.traversalOrder) == list(range(len(shape)))
    assert all(each.format == 0 for each in rows) and columns.format == 1
    starts, places = (np.asarray(part.values) for part in (columns.arraySegments, columns.arrayIndices))
    dense = np.zeros((len(starts) - 1, shape[-1]), values.dtype)
    dense[np.repeat(np.arange(len(dense)), np.diff(starts.astype(int))), places] = values
    return dense
