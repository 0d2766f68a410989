"""Link this checkout into a Blender's extensions, with its wheels, and enable it.

    python packaging/dev_install.py --blender /path/to/blender

Code, models and rigs stay links: a change counts from Blender's next start. BLENDER may also be a Python that has the
bpy module. Run again after pulling, when the wheels may have changed.
"""
from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from blender_process import ask
from fetch_wheels import fetch
from staging import link
from wheel_lock import read_lock


def main() -> None:
    """Ask, fetch, link, enable."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", default="blender", help="the program, with arguments of its own if need be")
    blender = shlex.split(parser.parse_args().blender or "blender")
    facts = ask(blender, "facts")
    wheels = [wheel for wheel in read_lock() if wheel.runs_on(facts["platform"], facts["python"])]
    if not any(wheel.name == "onnxruntime" for wheel in wheels):
        raise SystemExit(
            f"There are no wheels for Blender {facts['blender']} (Python {facts['python']}, {facts['platform']}); "
            "add them to packaging/wheel_lock.py and run packaging/lock_wheels.py."
        )
    fetch(wheels)
    folder = Path(facts["folder"])
    link(folder, wheels, [facts["platform"]])
    problems = ask(blender, "enable")["problems"]
    if problems:
        raise SystemExit("Linked, but not working: " + "; ".join(problems))
    print(f"Semblance is linked into Blender {facts['blender']} (Python {facts['python']}): {folder}")


if __name__ == "__main__":
    sys.exit(main())
