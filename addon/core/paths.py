"""Where models, rigs and the user's own files live; the same expression in a checkout and in the installed zip."""
from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
RIGS = ROOT / "rigs"
