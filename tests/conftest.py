"""Fixtures for the whole suite."""
from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# Tests run side by side, on batches so small that more threads only wait for one another; read by torch and numpy when
# they are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with training and test data beside the checkout; its tests skip where it is absent."""
    folder = Path(os.environ.get("SEMBLANCE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at '{folder}' (set SEMBLANCE_SHARED to its folder)")
    return folder
