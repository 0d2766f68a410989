"""What users get: how large the download is, how long a long clip takes (ship_speed).

    python -m training.bench ship
"""
from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from addon.core.paths import ROOT

from . import ship_speed
from .figures import Row


def zip_mb() -> dict[str, Row]:
    """The zip for Linux, the largest, as `make zip` builds it now (10^6 bytes)."""
    sys.path.insert(0, str(ROOT / "packaging"))
    try:
        from build_zip import MOST_MB, build
        from wheel_lock import EDITIONS

        with tempfile.TemporaryDirectory() as folder:
            size = build(EDITIONS["linux-x64"], Path(folder)).stat().st_size
    # A missing wheel or Blender is said by a SystemExit, which would end the other figures.
    except SystemExit as error:
        raise RuntimeError(str(error)) from error
    finally:
        sys.path.remove(str(ROOT / "packaging"))
    return {"ship.zip_mb": Row(size / 1e6, None, "", "MB", f"<= {MOST_MB}")}


MEASURES: Final[Mapping[tuple[str, ...], Callable[[], Mapping[str, Row]]]] = {
    ("ship.zip_mb",): zip_mb, ("ship.end_to_end_ratio",): ship_speed.measure,
}
