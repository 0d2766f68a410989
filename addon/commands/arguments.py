"""What command lines may say: numbers within bounds, and where the face is."""
from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Callable
from pathlib import Path

from ..core.errors import SemblanceError
from ..tracking.region import FaceBox


def whole_number(least: int, most: int, what: str = "a whole number", unit: str = "") -> Callable[[str], int]:
    """A type for argparse: an integer from `least` to `most`; the sentence says what it should have been."""
    def read(text: str) -> int:
        if not text.removeprefix("-").isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not {what} from {least} to {most}{unit}")
        return int(text)

    return read


def number_in(least: float, most: float, what: str) -> Callable[[str], float]:
    """A type for argparse: a number from `least` to `most`."""
    def read(text: str) -> float:
        with contextlib.suppress(ValueError):
            if least <= _decimal(text) <= most:
                return _decimal(text)
        raise argparse.ArgumentTypeError(f"'{text}' is not a {what} from {least:g} to {most:g}")

    return read


def seconds(text: str) -> float:
    """A type for argparse: a time of the source, which some begin below 0."""
    with contextlib.suppress(ValueError):
        if math.isfinite(_decimal(text)):
            return _decimal(text)
    raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds")


def _decimal(text: str) -> float:
    """With a point, or the comma that spreadsheets of many countries write."""
    return float(text.replace(",", "."))


def file_ending(*suffixes: str) -> Callable[[str], Path]:
    """A type for argparse: a file to write, whose name must say what it is; a slip must not cost a video or a scene."""
    def read(text: str) -> Path:
        if not text.lower().endswith(suffixes):
            raise argparse.ArgumentTypeError(f"'{text}' does not end in {' or '.join(suffixes)}")
        return Path(text)

    return read


def check_spared(source: Path, output: Path) -> None:
    """See that a result that nobody has named does not fall on what it is made from.

    Raises:
        SemblanceError: if it would.
    """
    if output.resolve() == source.resolve():
        raise SemblanceError(f"The result would replace '{source}'; say with -o where it shall go.")


def face_box(text: str) -> FaceBox:
    """A type for argparse: four numbers, per cent of the picture."""
    try:
        return FaceBox.from_percent(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not four numbers such as 30,10,40,50") from error
    except SemblanceError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_face_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the face is and what kind of face it is."""
    parser.add_argument(
        "--box", type=face_box, metavar="X,Y,W,H",
        help="where the head is: left, top, width, height in %% of the picture (default: find it)",
    )
    parser.add_argument(
        "--drawn", action="store_true", help="a drawn or rendered face: read it from the picture, without landmarks"
    )
