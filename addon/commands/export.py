"""Write a .take as Live Link Face CSV, for any program that reads the iPhone app's recordings.

The calibrated and smoothed half of the take is written: 52 ARKit channels and 9 angles a row, with timecode.

example:
  semblance export clip.take -o clip.csv
"""
from __future__ import annotations

import argparse
from pathlib import Path

from ..core.live_link import write_live_link
from ..core.take import read_take


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance export` takes."""
    parser.add_argument("take", type=Path, metavar="TAKE", help="the .take file")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="CSV to write (default: <take>.csv here)")


def run(args: argparse.Namespace) -> int:
    """Read the take, write the CSV; returns the exit code."""
    path = args.output or Path(args.take.stem + ".csv")
    write_live_link(read_take(args.take), path)
    print(f"Wrote '{path}'.")
    return 0
