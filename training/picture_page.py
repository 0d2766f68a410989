"""Pictures to look at: who was seen, Mora as MediaPipe drives her, Mora as we do; the worst cases among them.

    python -m training.picture_page [people characters webcam strongest]

Writes out/pictures/<page>.png; with --docs also docs/pictures/expressions.jpg, from people and characters, who are all
drawn. The other two pages show a real man's face and stay in out/. About two minutes on one core.

people      unseen synthetic people, from well to badly read and the worst of all, beside the truth: random mixes of
            shapes on the left, acted by a real performer's curves on the right
characters  our five characters as performers, ours calibrated to their resting faces as it is in every take
webcam      moments of the real video that differ most, ours calibrated and smoothed
strongest   the frames of the real video in which a channel that MediaPipe does not know is highest, to be judged by eye
"""
from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from addon.characters.decoder import load_decoder
from addon.commands import sheets
from addon.commands.side_by_side import telling_moments
from addon.commands.terminal import without_chatter
from addon.core import coefficients
from addon.core.files import write_bytes
from addon.core.frames import EMBEDDING_SIZE, Expression, FaceFrame, Frame
from addon.core.key_poses import read_key_poses
from addon.core.paths import ROOT
from addon.core.rig_profile import find_profile

CHARACTER: Final = "Mora"
CHARACTERS: Final = ("Ada", "Gus", "Mora", "Pip", "Uno")
CLASSES: Final = ("joy", "anger", "surprise")
UNKNOWN_TO_MEDIAPIPE: Final = (
    "cheekPuff", "cheekSquint", "noseSneer", "jawForward", "jawLeft", "jawRight", "mouthPress", "mouthRollLower",
    "mouthRollUpper", "mouthShrugUpper", "mouthStretch", "mouthFrown", "mouthDimple", "mouthLeft", "mouthRight",
)
_OUT: Final = ROOT / "out"
_DOCS: Final = ROOT / "docs" / "pictures" / "expressions.jpg"
_CELL_PX: Final = 150
_WORDS_PX: Final = 22
_LETTER_PX: Final = 8
_GAP_PX: Final = 16
_INPUT_PX: Final = 320
_WELL_TO_BADLY: Final = (0.02, 0.3, 0.6, 0.9)
"""Shares of the faces of a test set that are read better than the one that is shown."""
_WORST: Final = 2
_MOMENTS: Final = 12
_STRONGEST: Final = 4
_APART: Final = 25
"""Frames between two that are shown of a channel."""
_DOCS_PX: Final = 1130
"""Width of the page in docs/, and its quality: below 300 kB."""
_JPEG: Final = 76


@dataclass(frozen=True)
class Case:
    """One face and what is read from it; coefficients float [54], None where no face was found."""

    words: str
    picture: np.ndarray
    """uint8 [S, S, 3] BGR."""
    theirs: np.ndarray | None
    ours: np.ndarray | None
    truth: np.ndarray | None = None

    def columns(self) -> dict[str, np.ndarray | None]:
        """What drives Mora, by the heading of its column."""
        shown = {"MediaPipe": self.theirs, "ours": self.ours}
        return shown if self.truth is None else {**shown, "truth": self.truth}


def people() -> list[Case]:
    """Unseen synthetic people of both test sets, from well to badly read, then the worst."""
    from training.evaluate import encode
    from training.make_expression_data import test_set

    cases, mediapipe = [], Landmarker()
    for kind, name in (("random", "mix"), ("performance", "acted")):
        columns = test_set(kind, _OUT / "expression")
        guess, _ = encode(columns)
        found = np.flatnonzero(columns["found"])
        order = found[np.abs(guess - columns["coefficients"])[found, :53].mean(1).argsort()]
        ranks = [(f"best {share:.0%}", order[int(share * len(order))]) for share in _WELL_TO_BADLY]
        for words, i in [*ranks, *(("worst", i) for i in order[-_WORST:])]:
            picture = _picture(columns, i)
            cases.append(Case(f"{name}, {words}", _around(picture, columns["landmarks"][i]), mediapipe(picture),
                              guess[i], columns["coefficients"][i]))
    return cases


def characters() -> list[Case]:
    """Our characters in hand-made key poses, as if they were performers; class after class."""
    cases = {name: _poses_of(name) for name in CHARACTERS}
    return [cases[name][number] for number in range(len(CLASSES)) for name in CHARACTERS]


def _poses_of(name: str) -> list[Case]:
    from addon.blender.portrait import Portrait
    from addon.expression.calibration import calibrate, neutral_from
    from addon.expression.encoder import Encoder

    profile, mediapipe = find_profile(name), Landmarker()
    poses = read_key_poses(profile)
    values = [profile.control_set.neutral, *(poses.of_class(wanted)[0] for wanted in CLASSES)]
    with without_chatter(), Portrait(profile, _INPUT_PX) as portrait:
        pictures = [np.ascontiguousarray(portrait.take(some)[..., ::-1]) for some in values]
    faces = _found(pictures)
    track = Encoder().encode(faces)
    if faces[0].found:
        track = calibrate(track, neutral_from(track, 0.0))
    return [Case(f"{name}, {wanted}", picture, mediapipe(picture), ours.clip(0, 1) if face.found else None)
            for wanted, picture, face, ours in
            zip(CLASSES, pictures[1:], faces[1:], track.coefficients[1:], strict=True)]


def _found(pictures: list[np.ndarray]) -> list[FaceFrame]:
    """The face in each, followed as a drawn one if it is not found as a person's everywhere, as in takes."""
    from addon.tracking.drawn import DrawnFaceTracker
    from addon.tracking.tracker import FaceTracker

    frames, faces, tracker = [Frame(picture, float(i), i) for i, picture in enumerate(pictures)], [], FaceTracker()
    for frame in frames:
        tracker.reset()
        faces.append(tracker.track(frame))
    if all(face.found for face in faces):
        return faces
    return [DrawnFaceTracker().track(frame) for frame in frames]


def webcam() -> list[Case]:
    """Moments of the real video that differ most from each other."""
    from training.bench_real import webcam as seen

    clip = seen()
    moments = telling_moments(clip.smoothed.coefficients, _MOMENTS)
    return [Case(f"frame {i}", clip.crops[i], None if np.isnan(clip.rival[i, 0]) else clip.rival[i],
                 clip.smoothed.coefficients[i]) for i in moments]


def strongest() -> np.ndarray:
    """For each channel that MediaPipe does not know, the frames of the real video where ours is highest; BGR."""
    from training.bench_real import webcam as seen

    clip = seen()
    rows = []
    for channel in UNKNOWN_TO_MEDIAPIPE:
        names = [channel] if channel in coefficients.INDEX else [channel + "Left", channel + "Right"]
        values = clip.smoothed.coefficients[:, coefficients.indices(names)].max(1)
        rows.append([(clip.crops[i], f"{channel} {values[i]:.2f} #{i}") for i in peaks(values)])
    half = -(-len(rows) // 2)
    blocks = [sheet_of(block) for block in (rows[:half], rows[half:])]
    tall = max(len(block) for block in blocks)
    return np.hstack([np.vstack([block, sheets.blank(block.shape[1], tall - len(block))]) for block in blocks])


def peaks(values: np.ndarray) -> list[int]:
    """The frames of a curve [T] where it is highest, at least _APART from each other."""
    left, found = values.astype(np.float64), []
    for _ in range(_STRONGEST):
        i = int(left.argmax())
        if not np.isfinite(left[i]):
            break
        found.append(i)
        left[max(0, i - _APART):i + _APART + 1] = -np.inf
    return found


class Landmarker:
    """MediaPipe's blendshapes of single pictures."""

    def __init__(self) -> None:
        from training.evaluate import mediapipe_landmarker

        self._landmarker = mediapipe_landmarker()

    def __call__(self, picture: np.ndarray) -> np.ndarray | None:
        """Coefficients [54] of a picture uint8 [H, W, 3] BGR; None without a face."""
        import mediapipe

        from training.evaluate import blendshapes_of

        rgb = np.ascontiguousarray(picture[..., ::-1])
        return blendshapes_of(self._landmarker.detect(
            mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)))


def page(cases: Sequence[Case], portrait: Any, blocks: int) -> np.ndarray:
    """The cases in `blocks` blocks side by side, each a row: input, then Mora in every column; BGR."""
    profile = find_profile(CHARACTER)
    decoder = load_decoder(profile)

    def drawn(values: np.ndarray | None) -> np.ndarray:
        if values is None:
            return sheets.blank(_CELL_PX, _CELL_PX)
        rest = Expression(0.0, np.clip(values, 0, 1).astype(np.float32), np.zeros(EMBEDDING_SIZE, np.float32),
                          np.zeros((2, 2), np.float32), np.zeros(3, np.float32), 1.0)
        return portrait.take(decoder.decode_one(rest).values)[..., ::-1]

    rows = []
    for case in cases:
        shown = [(drawn(values), heading if values is not None else f"{heading}: no face")
                 for heading, values in case.columns().items()]
        rows.append([(case.picture, case.words), *shown])
    each = -(-len(rows) // blocks)
    return np.hstack([sheet_of(rows[first:first + each], each) for first in range(0, len(rows), each)])


def sheet_of(rows: Sequence[Sequence[tuple[np.ndarray, str]]], least: int = 0) -> np.ndarray:
    """Pictures with words under them, in rows, room for `least` rows; uint8 [H, W, 3] BGR."""
    wide = max(map(len, rows)) * (_CELL_PX + 2) + _GAP_PX
    sheet = sheets.blank(wide, max(len(rows), least) * (_CELL_PX + _WORDS_PX))
    for down, row in enumerate(rows):
        for across, (picture, words) in enumerate(row):
            left, top = across * (_CELL_PX + 2), down * (_CELL_PX + _WORDS_PX)
            size = cv2.INTER_AREA if len(picture) > _CELL_PX else cv2.INTER_CUBIC
            sheets.place(sheet, cv2.resize(picture, (_CELL_PX, _CELL_PX), interpolation=size), left, top)
            sheets.write(sheet, sheets.shortened(words, _LETTER_PX, _CELL_PX - 4), left + 3, top + _CELL_PX + 14,
                         _LETTER_PX, sheets.DIM)
    return sheet


def _picture(columns: dict[str, np.ndarray], i: int) -> np.ndarray:
    """Picture `i` of a test set, uint8 [H, W, 3] BGR."""
    ends = columns["picture_ends"]
    return cv2.imdecode(columns["pictures"][ends[i - 1] if i else 0:ends[i]], cv2.IMREAD_COLOR)


def _around(picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The square of the picture around the face of landmarks [478, 3]."""
    low, high = landmarks[:, :2].min(0), landmarks[:, :2].max(0)
    half = round(0.68 * float((high - low).max()))
    padded = cv2.copyMakeBorder(picture, half, half, half, half, cv2.BORDER_REPLICATE)
    across, down = np.clip(np.rint((low + high) / 2), 0, len(picture) - 1).astype(int)
    return padded[down:down + 2 * half, across:across + 2 * half]


@contextlib.contextmanager
def _mora() -> Iterator[Any]:
    from addon.blender.portrait import Portrait

    with without_chatter(), Portrait(find_profile(CHARACTER), _CELL_PX) as portrait:
        yield portrait


def main() -> None:
    """Draw the pages."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    pages = {"people": people, "characters": characters, "webcam": webcam}
    parser.add_argument("pages", nargs="*", choices=[*pages, "strongest", []], default=[])
    parser.add_argument("--docs", action="store_true", help="write docs/pictures/expressions.jpg too")
    arguments = parser.parse_args()
    wanted = arguments.pages or [*pages, "strongest"]
    cases = {name: pages[name]() for name in wanted if name in pages}  # the characters need Blender before Mora does
    drawn: dict[str, np.ndarray] = {}
    with _mora() as portrait:
        for name, some in cases.items():
            drawn[name] = page(some, portrait, 3 if name == "characters" else 2)
    if "strongest" in wanted:
        drawn["strongest"] = strongest()
    for name, picture in drawn.items():
        _write(_OUT / "pictures" / f"{name}.png", ".png", picture)
    if arguments.docs and {"people", "characters"} <= set(drawn):
        both = [drawn["people"], drawn["characters"]]
        wide = max(part.shape[1] for part in both)
        whole = np.vstack([np.hstack([part, sheets.blank(wide - part.shape[1], len(part))]) for part in both])
        smaller = cv2.resize(whole, (_DOCS_PX, len(whole) * _DOCS_PX // wide), interpolation=cv2.INTER_AREA)
        _write(_DOCS, ".jpg", smaller)


def _write(path: Path, kind: str, picture: np.ndarray) -> None:
    write_bytes(path, cv2.imencode(kind, picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG])[1].tobytes())
    print(f"Wrote '{path.relative_to(ROOT)}'.")


if __name__ == "__main__":
    main()
