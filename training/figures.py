"""One measured figure beside its rival; what every benchmark returns."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A figure of the benchmark table."""

    ours: float
    rival: float | None
    """None where nobody publishes or ships a rival that can run here."""
    rival_name: str
    unit: str
    goal: str
    """A comparison with a number, e.g. ">= 0.55" or "<= 1.3"."""
