"""The calibration of each performer in a file of the user's, so that a face is set up once."""
from __future__ import annotations

import json
import unicodedata
import urllib.parse
from pathlib import Path
from typing import Final

from ..core.errors import SemblanceError
from ..core.files import write_bytes
from ..core.paths import user_folder
from ..expression.calibration import Calibration

SCHEMA: Final = 1
_LONGEST_NAME: Final = 60
_MOST_BYTES: Final = 1 << 20


def performers() -> list[str]:
    """The names of those who were calibrated, in order."""
    return sorted((urllib.parse.unquote(path.stem) for path in _folder().glob("*.json")), key=str.casefold)


def read_performer(name: str) -> Calibration:
    """What is known of a performer; of one who is new nothing.

    Raises:
        SemblanceError: if the name is none, or the file is damaged or of a newer Semblance.
    """
    path = _path(name)
    try:
        data = path.read_bytes()[:_MOST_BYTES]
    except FileNotFoundError:
        return Calibration()
    except OSError as error:
        raise SemblanceError(f"Cannot read the performer '{path}': {error.strerror}.") from error
    damaged = f"The file of the performer '{name}' is damaged: '{path}'; set the neutral again."
    try:
        told = json.loads(data)
        if told["schema"] != SCHEMA:
            raise SemblanceError(f"The performer '{path}' is of another Semblance (schema {told['schema']!r}); update.")
        calibration = Calibration.from_json(told["calibration"])
    except SemblanceError as error:
        raise error if "schema" in str(error) else SemblanceError(damaged) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise SemblanceError(damaged) from error
    return calibration


def write_performer(name: str, calibration: Calibration) -> Path:
    """Keep what is known of a performer.

    Raises:
        SemblanceError: if the name is none, or the file cannot be written.
    """
    path = _path(name)
    told = {"schema": SCHEMA, "name": name.strip(), "calibration": calibration.to_json()}
    write_bytes(path, json.dumps(told, indent=1, ensure_ascii=False).encode())
    return path


def _folder() -> Path:
    return user_folder() / "performers"


def _path(name: str) -> Path:
    name = unicodedata.normalize("NFC", name.strip())
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise SemblanceError(f"A performer needs a name of 1 to {_LONGEST_NAME} letters (found {name[:80]!r}).")
    # What may mean something to a file system becomes %2F and the like.
    plain = "".join(
        letter if letter.isalnum() or letter in " _-" else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in name
    )
    return _folder() / f"{plain}.json"
