"""Say in plain words what is here, what is missing and what to do about it."""
from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`semblance doctor` takes nothing."""


def run(args: argparse.Namespace) -> int:
    """Placeholder until the checks land."""
    return 0
