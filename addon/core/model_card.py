"""Model cards: `models/<name>/card.toml` says what goes in and out of `model.onnx`, where it came from, how good it is.

Required keys: schema = 1, name, version, licence, data, sha256 (of model.onnx), [[input]] and [[output]] with name and
shape (-1 = any). Everything else ([quality], [[file]], meaning, ...) is for readers.
"""
from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .errors import SemblanceError
from .paths import MODELS

SCHEMA = 1
NEEDED: Final = {
    "face_detector": "finding faces", "face_mesh": "following faces", "expression": "reading expressions",
    "pose_detector": "finding bodies", "pose": "following bodies", "palm_detector": "finding hands",
    "hand_recrop": "finding a body's hands", "hand": "following hands",
}
"""Networks that tracking cannot do without, and what each is for."""


@dataclass(frozen=True)
class ModelCard:
    """A model's card and where its network lies."""

    name: str
    version: str
    sha256: str
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    folder: Path
    data: dict[str, Any]
    """The whole card."""

    @property
    def stamp(self) -> str:
        """"name version sha256-prefix", what a take records."""
        return f"{self.name} {self.version} {self.sha256[:12]}"


def read_card(folder: Path) -> ModelCard:
    """Read `folder`/card.toml.

    Raises:
        SemblanceError: if it is missing, not TOML or lacks a required key.
    """
    path = Path(folder) / "card.toml"
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
        if data["schema"] != SCHEMA:
            raise SemblanceError(
                f"The model card '{path}' has schema {data['schema']!r}, this Semblance reads {SCHEMA}."
            )
        shapes = [{row["name"]: tuple(row["shape"]) for row in data[key]} for key in ("input", "output")]
        return ModelCard(data["name"], data["version"], data["sha256"], shapes[0], shapes[1], path.parent, data)
    except OSError as error:
        raise SemblanceError(f"Cannot read the model card '{path}': {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise SemblanceError(f"The model card '{path}' is not valid: {error}.") from error
    except KeyError as error:
        raise SemblanceError(f"The model card '{path}' lacks {error}.") from error


def load_network(name: str | Path) -> tuple[bytes, ModelCard]:
    """The ONNX bytes and the card of a shipped model (a name under `models/`) or of a model folder.

    Raises:
        SemblanceError: if a file is missing or the network is not the one that the card describes (sha256).
    """
    folder = name if isinstance(name, Path) else MODELS / name
    card = read_card(folder)
    path = folder / "model.onnx"
    try:
        network = path.read_bytes()
    except OSError as error:
        raise SemblanceError(f"Cannot read the network '{path}': {error.strerror}.") from error
    if hashlib.sha256(network).hexdigest() != card.sha256:
        raise SemblanceError(f"The network '{path}' is not the one its card.toml describes; install Semblance again.")
    return network, card
