"""Child processes that run the Python that runs here: what they are given, and what they said last."""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from .paths import ROOT


def child_environment() -> dict[str, str]:
    """This environment, with everything that this Python finds (the extension's wheels too) on the module path."""
    paths = [str(ROOT), *(path for path in sys.path if path and Path(path).is_dir())]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


def last_line(log: IO[bytes]) -> str:
    """The last line that a child wrote into the file of its stderr; empty if it wrote none."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
