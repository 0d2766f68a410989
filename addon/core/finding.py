"""What a look at the installation or at a robot finds, for a terminal or a panel to show."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    state: str
    """"ok", "note" (a part of Semblance is off, the rest works) or "PROBLEM"."""
    text: str
    advice: str = ""

    def __str__(self) -> str:
        """As a terminal shows it: what was found, and below it what to do."""
        return f"{self.state:<8} {self.text}" + (f"\n{'':<8} → {self.advice}" if self.advice else "")
