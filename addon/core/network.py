"""Networks of `models/` in onnxruntime, each checked against its card; the only module that knows onnxruntime."""
from __future__ import annotations

import logging
import os
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from .errors import SemblanceError, require
from .model_card import load_network

Shapes = dict[str, tuple[int, ...]]
"""Name → shape, -1 = any."""

PROVIDER: Final = "SEMBLANCE_PROVIDER"
"""The variable that says what networks run on, a key of PROVIDERS; child processes take it over."""
PROVIDERS: Final = {"CPU": "CPUExecutionProvider", "CUDA": "CUDAExecutionProvider", "DIRECTML": "DmlExecutionProvider",
                    "COREML": "CoreMLExecutionProvider"}
_CPU: Final = PROVIDERS["CPU"]
_log = logging.getLogger(__name__)


class Network:
    """A network that is what its card says: the same bytes, names and shapes."""

    def __init__(self, name: str | Path, feature: str, threads: int = 1, spin: bool = True) -> None:
        """Load a shipped model by its name or one in a folder; `feature` is what is off without onnxruntime.

        One thread is the rule: most of our networks are too small to share one answer's work, and live work needs the
        cores. Several that `spin` wait for one another awake.

        Raises:
            SemblanceError: if the model or onnxruntime cannot be loaded, or the card does not describe the network.
        """
        data, self.card = load_network(name)
        onnxruntime = require("onnxruntime", feature)
        onnxruntime.disable_telemetry_events()  # Windows does not heed the variable that `require` sets
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
        try:
            self._session = _session(onnxruntime, data, options)
        except Exception as error:  # onnxruntime has no common base class for what it raises
            raise SemblanceError(f"onnxruntime cannot load the network '{self.card.name}': {error}.") from error
        self._check("input", self._session.get_inputs(), self.card.inputs)
        self._check("output", self._session.get_outputs(), self.card.outputs)

    @property
    def provider(self) -> str:
        """What it runs on, a key of PROVIDERS."""
        first = self._session.get_providers()[0]
        return next((name for name, provider in PROVIDERS.items() if provider == first), first)

    def run(self, names: list[str], **inputs: np.ndarray) -> list[np.ndarray]:
        """The outputs `names` for the inputs, in that order."""
        return self._session.run(names, inputs)

    def expect(self, what: str, inputs: Shapes, outputs: Shapes) -> None:
        """Raise SemblanceError unless the network takes and gives these: a card can be true and of another network."""
        for kind, wanted, there in (("input", inputs, self.card.inputs), ("output", outputs, self.card.outputs)):
            for name, shape in wanted.items():
                if there.get(name) != shape:
                    raise SemblanceError(
                        f"The network '{self.card.name}' is no {what}: "
                        f"it needs the {kind} '{name}' {list(shape)}, its card says {_told(there.get(name))}."
                    )

    def _check(self, kind: str, found: list[Any], told: Shapes) -> None:
        """Raise SemblanceError where the card and the network differ; a size the network leaves open fits any."""
        real = {each.name: tuple(size if isinstance(size, int) else -1 for size in each.shape) for each in found}
        for name in {**real, **told}:
            shape, said = real.get(name), told.get(name)
            if shape is None or said is None or len(shape) != len(said) or any(
                size not in (-1, wanted) for size, wanted in zip(shape, said, strict=True)
            ):
                raise SemblanceError(
                    f"The card of the network '{self.card.name}' does not describe it: {kind} '{name}' is "
                    f"{_told(shape)} in the network and {_told(said)} in '{self.card.folder / 'card.toml'}'; "
                    "install Semblance again."
                )


def _session(onnxruntime: ModuleType, data: bytes, options: Any) -> Any:
    """A session on what the user chose; on the processor, which is always there, if that fails."""
    name = os.environ.get(PROVIDER, "CPU")
    wanted = PROVIDERS.get(name, "")
    if wanted != _CPU and wanted in onnxruntime.get_available_providers():
        options.enable_mem_pattern = name != "DIRECTML"  # which onnxruntime demands of it
        try:
            session = onnxruntime.InferenceSession(data, options, providers=[wanted, _CPU])
            if session.get_providers()[0] == wanted:
                return session
        except Exception as error:  # a driver that is missing or too old; onnxruntime has no common base class
            _log.debug("%s: %s", name, error)
    if wanted != _CPU:
        _tell_fallback(name)
    return onnxruntime.InferenceSession(data, options, providers=[_CPU])


@lru_cache
def _tell_fallback(name: str) -> None:
    """Once in a process."""
    _log.warning("%s", fallback(name))


def fallback(name: str) -> str:
    """One sentence where networks cannot run on the provider that the user chose."""
    return (f"The networks run on the processor, because {name} cannot be used here: it needs its driver and an "
            "onnxruntime that was built for it.")


def _told(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else str(list(shape))
