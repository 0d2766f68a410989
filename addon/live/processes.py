"""Child processes that run the Python that runs here, with everything that it finds."""
from __future__ import annotations

import os
import sys
from pathlib import Path

from ..core.paths import ROOT


def child_environment() -> dict[str, str]:
    """This environment, with everything that this Python finds (the extension's wheels too) on the module path."""
    paths = [str(ROOT), *(path for path in sys.path if path and Path(path).is_dir())]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
