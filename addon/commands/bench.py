"""Measure the figures side by side with their rivals, print one table and write out/bench.json (a checkout only).

NAME is a figure or the beginning of one ("tracking", "expression.random_r"); without a NAME all are measured.

examples:
  semblance bench --list
  semblance bench blender
"""
from __future__ import annotations

import argparse
import subprocess
import sys

from ..core.errors import SemblanceError
from ..core.paths import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `semblance bench` takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures or beginnings of their names")
    parser.add_argument("--list", action="store_true", help="only name the figures")


def run(args: argparse.Namespace) -> int:
    """Run the benchmark in a process of its own; returns its exit code."""
    if not (ROOT / "training" / "bench.py").is_file():
        raise SemblanceError(
            "The benchmark needs a checkout of the repository (its folder 'training' is not in the extension)."
        )
    options = ["--list"] if args.list else []
    return subprocess.run([sys.executable, "-m", "training.bench", *options, *args.names], cwd=ROOT).returncode
