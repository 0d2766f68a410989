"""Writes networks that were trained here, each with its card: the TOML beside model.onnx that core.model_card reads."""
from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from addon.core.files import write_bytes

Shape = tuple[str, str, Sequence[int], str]
"""Of a tensor: "input" or "output", name, shape (-1 = any), meaning."""


@dataclass(frozen=True)
class Told:
    """What a card tells besides shapes and figures."""

    program: str
    """What wrote it, such as "training/flame.py"."""
    data: str
    """What it learned from; lines."""
    method: str
    limits: str = ""


def card(folder: Path, network: bytes, told: Told, shapes: Sequence[Shape], quality: dict[str, float]) -> str:
    """The text of the card of a network that is to lie in `folder`; `quality` are figures for readers."""
    lines = [
        f"# Written by {told.program}.", "schema = 1", f'name = "{folder.name}"',
        f'version = "{time.strftime("%Y.%m.%d")}"', 'licence = "GPL-3.0-or-later"',
        f'sha256 = "{hashlib.sha256(network).hexdigest()}"', f'data = """\n{told.data}"""', f'method = "{told.method}"',
    ]
    if told.limits:
        lines.append(f'limits = "{told.limits}"')
    for kind, name, shape, meaning in shapes:
        lines += ["", f"[[{kind}]]", f'name = "{name}"', f"shape = {list(shape)}", f'meaning = "{meaning}"']
    if quality:
        lines += ["", "[quality]", *(f"{name} = {value:.4g}" for name, value in quality.items())]
    return "\n".join([*lines, ""])


def export_network(
    network: nn.Module, example: tuple[Tensor, ...], folder: Path, told: Told, shapes: Sequence[Shape],
    quality: dict[str, float] | None = None,
) -> None:
    """Write a network as model.onnx (opset 17, any number of rows) with its card; `example` are its inputs."""
    buffer = io.BytesIO()
    inputs, outputs = ([name for kind, name, *_ in shapes if kind == way] for way in ("input", "output"))
    axes = {name: {0: "n"} for name in (*inputs, *outputs)}
    torch.onnx.export(network, example, buffer, input_names=inputs, output_names=outputs, dynamic_axes=axes,
                      opset_version=17, dynamo=False, do_constant_folding=False)   # 16-bit weights stay such
    write_bytes(folder / "model.onnx", buffer.getvalue())
    write_bytes(folder / "card.toml", card(folder, buffer.getvalue(), told, shapes, quality or {}).encode())
