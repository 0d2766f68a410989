"""Runs the steps of `inside_blender.py` in a Blender without a window."""
from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from wheel_lock import HERE

SCRIPT: Final = HERE / "inside_blender.py"
_MARK: Final = "SEMBLANCE "


def ask(
    blender: Sequence[str], step: str, *, script: Path = SCRIPT, folder: Path | None = None,
    environment: Mapping[str, str] | None = None, seconds: float = 600, **arguments: str,
) -> dict[str, Any]:
    """What a step of `inside_blender.py` found in that Blender: a program, or a Python that has the bpy module.

    Raises:
        SystemExit: if it cannot be started, fails or answers nothing.
    """
    words = [step, json.dumps(arguments)]
    is_python = "python" in Path(blender[-1]).name
    command = [*blender, str(script), *words] if is_python else [*blender, "-b", "-P", str(script), "--", *words]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds, cwd=folder,
            env=environment,
        )
    except OSError as error:
        raise SystemExit(f"Cannot start '{blender[0]}': {error.strerror}; set BLENDER=/path/to/blender.") from error
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"'{shlex.join(blender)}' did not end '{step}' within {seconds:.0f} seconds.") from error
    for line in reversed(ended.stdout.splitlines()):
        if line.startswith(_MARK):
            return json.loads(line[len(_MARK) :])
    raise SystemExit(f"'{shlex.join(blender)}' did not answer to '{step}':\n{ended.stdout}{ended.stderr}")
