"""Expressions by name, from `named_expressions.toml`: poses to ask a user for, and faces for the sheet of a rig."""
from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

import numpy as np

from ..core.control_set import SIGNAL_INDEX, SIGNALS


def _read_table() -> dict[str, np.ndarray]:
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        table = tomllib.load(file)["expression"]
    found = {name: np.zeros(len(SIGNALS), np.float32) for name in table}
    for name, signals in table.items():
        for signal, amount in signals.items():
            found[name][SIGNAL_INDEX[signal]] = amount
    return found


EXPRESSIONS: Final = _read_table()
"""Name → float32 [57], in the order of core.control_set.SIGNALS."""
