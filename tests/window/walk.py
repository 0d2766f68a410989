"""A person's walk through all of Semblance in the real window: each script beside this one, in a Blender of its own.

    make dev-install BLENDER=blender
    python tests/window/walk.py --pictures out/walk                      all of it, about half an hour without a GPU
    python tests/window/walk.py --pictures out/walk --only try_it live   a part
    python tests/window/walk.py --rig head.fbx --video me.mp4            with a rig and a video of your own
    python tests/window/walk.py --pictures out/walk --keep               what it looks like now is right: I have seen it

Every step is printed as it is taken, and what went wrong once more at the end; exit code 1 if anything did. The
pictures are compared with those of an earlier walk (kept.py); look at them too. On a busy machine SEMBLANCE_PATIENCE
makes every wait so many times longer. Needs ImageMagick and, without a screen, xvfb-run, and for its clicks xdotool.
Not run by pytest: it needs a complete Blender.
"""
from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kept import compare, keep, missing

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEMO = ROOT / "assets" / "demo"
_TRACK = """
import bpy, shutil
settings = bpy.context.scene.semblance
settings.source = {video!r}
bpy.ops.semblance.take_track()
shutil.copy(settings.take, {take!r})
"""
_SCREEN = ("xvfb-run", "-a", "-s", "-screen 0 1600x1000x24 +extension GLX")


@dataclass(frozen=True)
class Stop:
    """One script of the walk."""

    name: str
    source: str
    """What SEMBLANCE_SOURCE is: "video", "performance" or nothing."""
    most_s: int
    rig: str = ""
    """What SEMBLANCE_RIG is where no other is wanted; own_rig makes one by itself."""


STOPS = (
    Stop("readiness", "", 300),
    Stop("try_it", "", 300),
    Stop("panel", "video", 1200),
    Stop("own_rig", "performance", 400),
    Stop("learn_rig", "performance", 900, rig="rigs/mora/mora.blend"),
    Stop("several", "performance", 400),
    Stop("transfer", "performance", 300),
    Stop("live", "video", 600),
    Stop("robot", "video", 900),
)


def track(args: argparse.Namespace) -> Path:
    """A take of the video, made by the Blender that is walked through, without its window."""
    take = args.pictures / f"{args.video.stem}.take"
    script = _TRACK.format(video=str(args.video.resolve()), take=str(take))
    subprocess.run([args.blender, "--background", "--python-exit-code", "1", "--python-expr", script], check=True,
                   stdout=subprocess.DEVNULL, timeout=300)
    return take


def walk(stop: Stop, folder: Path, args: argparse.Namespace) -> Iterator[str]:
    """The lines of one script; a last PROBLEM if it does not come to its end."""
    source = {"video": args.video, "performance": args.performance}.get(stop.source)
    environment = {"SEMBLANCE_FRAME": "66", **os.environ, "SEMBLANCE_PICTURES": str(args.pictures)}
    if source:
        environment["SEMBLANCE_SOURCE"] = shutil.copy(source, folder)
    if rig := args.rig or (ROOT / stop.rig if stop.rig else None):
        environment["SEMBLANCE_RIG"] = str(rig.resolve())
    screen = () if os.environ.get("DISPLAY") else _SCREEN
    command = [*screen, args.blender, "--window-geometry", "0", "0", "1600", "1000", "--python",
               str(HERE / f"{stop.name}.py")]
    log = args.pictures / f"{stop.name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        try:
            most_s = stop.most_s * float(os.environ.get("SEMBLANCE_PATIENCE", "1"))
            process.wait(most_s)
        except subprocess.TimeoutExpired:
            print(f"PROBLEM {stop.name} took more than {most_s:.0f} s", file=out)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # Blender and its screen too
            process.wait()
    lines = log.read_text(errors="replace").splitlines()
    yield from (line for line in lines if line.startswith(("STEP", "PROBLEM", "Traceback")))
    if "STEP all done" not in lines:
        yield f"PROBLEM {stop.name} did not come to its end; see {log}"


def look(stop: Stop, args: argparse.Namespace) -> Iterator[str]:
    """The stop's pictures against the kept ones, or kept from now on."""
    taken = sorted(path.stem for path in args.pictures.glob(f"{stop.name}_*.txt"))
    if args.keep:
        for name in taken:
            keep(name, args.pictures)
        yield f"STEP {len(taken)} pictures are kept"
    elif (args.video, args.rig) == (DEMO / "performer.mp4", None):     # other faces and rigs look otherwise
        for name in taken:
            yield from compare(name, args.pictures)
        yield from missing(stop.name, args.pictures)


def main() -> int:
    """Walk, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blender", default="blender", help="the program, with Semblance enabled")
    parser.add_argument("--pictures", type=Path, default=Path("out/walk"), help="folder for pictures and logs")
    parser.add_argument("--only", nargs="+", choices=[stop.name for stop in STOPS], help="these stops")
    parser.add_argument("--video", type=Path, default=DEMO / "performer.mp4")
    parser.add_argument("--performance", type=Path, help="a take or a Live Link CSV; else the video is tracked first")
    parser.add_argument("--rig", type=Path, help="an .fbx, .glb or .blend with a face, for own_rig and learn_rig")
    parser.add_argument("--keep", action="store_true", help="keep the pictures for later walks to compare with")
    args = parser.parse_args()
    args.pictures = args.pictures.resolve()
    args.pictures.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    stops = [stop for stop in STOPS if not args.only or stop.name in args.only]
    if args.performance is None and any(stop.source == "performance" for stop in stops):
        args.performance = track(args)
    for stop in stops:
        print(f"── {stop.name}", flush=True)
        with tempfile.TemporaryDirectory(prefix="semblance-walk-") as folder:
            for line in itertools.chain(walk(stop, Path(folder), args), look(stop, args)):
                print(line, flush=True)
                problems += [f"{stop.name}: {line}"] if not line.startswith("STEP") else []
    print(f"\n{len(problems)} problems", *problems, sep="\n  ")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
