"""Arrays with a header in one compressed .npz: takes, pairs, learned rigs and transfers. Nothing is pickled.

The header is the bytes of the member `header`, as an array of uint8; in most files UTF-8 JSON.
"""
from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from .errors import SemblanceError
from .files import replacing


def write_arrays(path: Path, header: bytes, arrays: Mapping[str, np.ndarray]) -> None:
    """Write `path` whole or not at all.

    Raises:
        SemblanceError: as `replacing`.
    """
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, header=np.frombuffer(header, np.uint8), **arrays)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def opened_arrays(path: Path, named: str, damaged: str) -> Iterator[np.lib.npyio.NpzFile]:
    """The members of a file, which are read one by one as they are asked for.

    Args:
        named: what the file is called in "Cannot read ...".
        damaged: the whole sentence for a file that is not what its reader expects, whatever the reader stumbles over.

    Raises:
        SemblanceError: if it is missing or damaged; one that the reader raises itself goes through.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise SemblanceError(f"Cannot read {named}: {error.strerror}.") from error
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            yield file
    except SemblanceError:
        raise
    except Exception as error:  # numpy, zipfile and json fail on damaged bytes in a dozen ways of their own
        raise SemblanceError(damaged) from error
