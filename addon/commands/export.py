"""Write a .take as Live Link Face CSV, for any program that reads the iPhone app's recordings, or in FLAME's form.

The calibrated and smoothed half of the take is written: 52 ARKit channels and 9 angles a row, with timecode; or, where
the output is an .npz, turns of jaw and eyes and 50 expressions at 30 frames a second (docs/face_from_body.md).

examples:
  semblance export clip.take -o clip.csv
  semblance export clip.take -o clip.npz
"""
from __future__ import annotations

import argparse
from pathlib import Path

from ..core.errors import SemblanceError
from ..core.live_link import write_live_link
from ..core.take import Take, read_take
from ..expression.flame import FLAME_SUFFIX, MADE, SHIPPED, Conversion, read_conversion, write_flame
from .arguments import file_ending


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance export` takes."""
    parser.add_argument("take", type=Path, metavar="TAKE", help="the .take file")
    parser.add_argument("-o", "--output", type=file_ending(".csv", FLAME_SUFFIX), metavar="FILE",
                        help="CSV or NPZ to write (default: <take>.csv here)")
    add_flame_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Read the take, write the CSV; returns the exit code."""
    path = args.output or Path(args.take.stem + ".csv")
    if path.suffix.lower() == FLAME_SUFFIX:
        tell_flame(read_take(args.take), path, read_conversion(args.conversion))
        return 0
    take = read_take(args.take)
    if args.output is None and path.exists() and path.name == take.source.get("name"):
        raise SemblanceError(f"'{path}' is what the take was made from; say with -o where the result shall go.")
    write_live_link(take, path)
    print(f"Wrote '{path}'.")
    return 0


def add_flame_argument(parser: argparse.ArgumentParser) -> None:
    """Declare which expressions."""
    parser.add_argument("--conversion", type=Path, default=SHIPPED, metavar="NPZ",
                        help="to which expressions, as training/flame.py fits them (default: Semblance's own)")


def tell_flame(take: Take, path: Path, conversion: Conversion) -> None:
    """Write a take in FLAME's form, and say in whose expressions."""
    count = write_flame(take, path, conversion)
    print(f"Wrote '{path}': {count} frames of jaw and expressions in the basis '{conversion.basis}'.")
    if conversion.basis == MADE:
        print("Note: its expressions are Semblance's own, not FLAME's; docs/face_from_body.md says how to get those.")
