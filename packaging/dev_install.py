"""Link this checkout into a Blender's extensions, with its wheels, and enable it.

    python packaging/dev_install.py --blender /path/to/blender

Code, models and rigs stay links: a change counts from Blender's next start. BLENDER may also be a Python that has the
bpy module. Run again after pulling, when the wheels may have changed.
"""
from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from fetch_wheels import fetch
from staging import link
from wheel_lock import read_lock

_MARK = "SEMBLANCE "
_ASK = """
import bpy, json, platform, sys
system = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower(), "")
repository = next(r for r in bpy.context.preferences.extensions.repos if r.module == "user_default")
print("SEMBLANCE " + json.dumps({
    "blender": bpy.app.version_string, "python": "%d.%d" % sys.version_info[:2],
    "platform": system + "-" + machine, "folder": repository.directory,
}))
"""
_ENABLE = """
import bpy
import addon_utils, importlib, json
extension = "bl_ext.user_default.semblance"
bpy.ops.preferences.addon_disable(module=extension)
module = addon_utils.enable(extension, default_set=True, persistent=True)
problems = [] if module else ["Blender did not enable the extension"]
for name in ("onnxruntime", "cv2"):
    try:
        importlib.import_module(name)
    except ImportError as error:
        problems.append(str(error))
bpy.ops.wm.save_userpref()
print("SEMBLANCE " + json.dumps({"problems": problems}))
"""


def in_blender(blender: list[str], script: str) -> dict[str, Any]:
    """Run `script` in that Blender without a window; returns the JSON object that it printed.

    Raises:
        SystemExit: if it cannot be started or prints none.
    """
    is_python = "python" in Path(blender[0]).name
    command = [*blender, "-c", script] if is_python else [*blender, "-b", "--python-expr", script]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
    except OSError as error:
        raise SystemExit(f"Cannot start '{blender[0]}': {error.strerror}; set BLENDER=/path/to/blender.") from error
    for line in ended.stdout.splitlines():
        if line.startswith(_MARK):
            return json.loads(line[len(_MARK) :])
    raise SystemExit(f"'{shlex.join(blender)}' did not answer:\n{ended.stdout}{ended.stderr}")


def main() -> None:
    """Ask, fetch, link, enable."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", default="blender", help="the program, with arguments of its own if need be")
    blender = shlex.split(parser.parse_args().blender or "blender")
    facts = in_blender(blender, _ASK)
    wheels = [wheel for wheel in read_lock() if wheel.runs_on(facts["platform"], facts["python"])]
    if not any(wheel.name == "onnxruntime" for wheel in wheels):
        raise SystemExit(
            f"There are no wheels for Blender {facts['blender']} (Python {facts['python']}, {facts['platform']}); "
            "add them to packaging/wheel_lock.py and run packaging/lock_wheels.py."
        )
    fetch(wheels)
    folder = Path(facts["folder"]) / "semblance"
    link(folder, wheels, [facts["platform"]])
    problems = in_blender(blender, _ENABLE)["problems"]
    if problems:
        raise SystemExit("Linked, but not working: " + "; ".join(problems))
    print(f"Semblance is linked into Blender {facts['blender']} (Python {facts['python']}): {folder}")


if __name__ == "__main__":
    sys.exit(main())
