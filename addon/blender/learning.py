"""Learning a rig in this Blender: show the ends of its controls, read them, fit, and try it on other poses.

What the rig's points should do for each input is shown by Mora, a character of ours whose controls are the coefficients
themselves, in the same way.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from ..characters.learned_rig import INPUTS, LearnedDecoder, LearnedRig, inputs_of
from ..characters.meaning_decoder import MeaningDecoder
from ..characters.named_expressions import EXPRESSIONS
from ..characters.rig_learning import Ends, Shown, ends_of, fit, qualities
from ..characters.rig_lips import RigLips, measure
from ..characters.sampling import Sampler
from ..core import coefficients
from ..core.control_set import SIGNALS, ControlSet, signals_of
from ..core.errors import SemblanceError, require
from ..core.frames import FaceFrame, Frame
from ..core.rig_profile import RigProfile, find_profile
from ..expression.encoder import Encoder
from ..tracking.detection import Detector
from ..tracking.drawn import DrawnFaceTracker
from ..tracking.region import whole
from ..tracking.tracker import FaceTracker
from .face_points import FacePoints
from .portrait import Portrait
from .rig_portrait import RigPortrait
from .shape_keys import shape_sizes

Progress = Callable[[int, int], None]
"""Called with pictures done and pictures in all."""
HELD_OUT: Final = 240
"""Poses that tell how good the weights are and that they were not made from."""
SECONDS: Final = 200.0
"""After this time no more held-out poses are drawn."""
_TEACHER: Final = "Mora"
_PX: Final = 256
_CHANGE_PX: Final = 64
_TURN_RAD: Final = 0.3
_FEW: Final = 24
"""Held-out poses that are drawn in any case."""
_WHOLE_HEAD: Final = 0.15
"""A control that moves the face's middle point by so many eye distances turns the head."""
_CHANCE: Final = 0.12
"""Mean correlation that weights which mean nothing get now and then."""
_SEED: Final = 1
_SHEET: Final = ("Jaw open", "Smile", "Frown", "Pucker", "Brows up", "Brows down", "Blink left", "Squint", "Sneer",
                 "Mouth left", "Look left", "Head left")
_SIGNALS: Final = np.stack([EXPRESSIONS[name] for name in _SHEET])
_LIPS: Final = (np.array([42, 41, 38, 12, 268, 271, 272]), np.array([89, 179, 86, 15, 316, 403, 319]))
"""Landmarks on the upper and on the lower lip that face each other, between the lips' inner and outer edges."""
_CHEEKS: Final = (234, 454)
"""Landmarks at either side of the face."""
OFFER: Final = "pose it for some expressions and set them as key poses instead"


@dataclass(frozen=True)
class Lesson:
    """What came out."""

    rig: LearnedRig
    pairs: tuple[tuple[str, np.ndarray, np.ndarray], ...]
    """Name, performer and this rig doing the same, each uint8 [256, 256, 3] RGB."""
    notes: tuple[str, ...]
    """Sentences about the rig for the user."""
    poses: np.ndarray
    """float32 [N, K], rig units: the poses that it was tried out on."""
    readings: np.ndarray
    """float32 [N, INPUTS]: what was read in their pictures beyond rest; NaN where no face was seen."""
    pictures: int
    seconds: float


def learn(
    profile: RigProfile, path: Path, root: str, wanted: np.ndarray, progress: Progress, *, held_out: int = HELD_OUT,
    seconds: float = SECONDS,
) -> Lesson:
    """Learn the `wanted` (bool [K]) controls of the rig in the file `path`, which is opened and never saved.

    Raises:
        SemblanceError: if there is no such rig, or its face cannot be read from pictures.
    """
    begun = time.monotonic()
    controls = ControlSet(tuple(replace(control, enabled=bool(on)) for control, on in
                                zip(profile.control_set.controls, wanted, strict=True)))
    profile, reader = replace(profile, control_set=controls), _Reader()
    with RigPortrait(profile, _PX, path, root, reader.detect) as portrait:
        ends = ends_of(controls, wanted & portrait.binding.bound)
        total = 1 + len(ends.columns) + held_out + 2 * len(_SHEET)
        pupil = _Pupil(portrait, reader, lambda done: progress(done, total))
        shown = pupil.show(ends)
        grouped = _grouped(controls, ends, shown)
        poses, readings = pupil.try_out(grouped, held_out, begun + seconds)
        lips = pupil.lips(grouped) if shown.movements is not None else None
        notes, sizes = (*portrait.missing, *pupil.notes), shape_sizes(portrait.binding)
    with Portrait(find_profile(_TEACHER), _PX) as teacher:
        meant = MeaningDecoder(teacher.binding.profile.control_set)
        rig = fit(controls, ends, shown, _reference(teacher, meant, reader))
        performers = [teacher.take(values) for values in meant.values(_SIGNALS)]
        progress(total - len(_SHEET), total)
    rig = replace(rig, quality=qualities(rig, controls, poses, readings), sizes=sizes, lips=lips)
    mean = float(np.nanmean(rig.quality))
    if mean < _CHANCE:
        raise SemblanceError(
            f"The face of '{profile.name}' cannot be read from its pictures (mean correlation {mean:.2f} on poses that "
            f"were held out); {OFFER}."
        )
    with RigPortrait(profile, _PX, path, root, reader.detect) as portrait:
        own = [portrait.take(values) for values in LearnedDecoder(controls, rig).values(_SIGNALS)]
        progress(total, total)
    pairs = tuple(zip(_SHEET, performers, own, strict=True))
    return Lesson(rig, pairs, (*notes, *rig.faults), poses, readings, pupil.pictures, time.monotonic() - begun)


class _Reader:
    """What the encoder reads in single pictures of one face, uint8 [size, size, 3] RGB."""

    def __init__(self) -> None:
        self._encoder, self._detector = Encoder(), Detector()
        self._tracker: FaceTracker | DrawnFaceTracker = FaceTracker()

    def detect(self, picture: np.ndarray) -> float:
        """How surely the picture shows a face, 0..1."""
        image = _bgr(picture)
        return max((face.score for face in self._detector.find(image, whole(image), 0.1)), default=0.0)

    def settle(self, neutral: np.ndarray) -> FaceFrame:
        """Look at the resting face, and choose how to look at the others: by landmarks if they fit.

        Raises:
            SemblanceError: if no face is found in any way.
        """
        people = self._tracker = FaceTracker()
        face = self.look(neutral)
        if face.found and not people.looks_drawn:
            return face
        self._tracker = DrawnFaceTracker()
        face = self.look(neutral)
        if not face.found:
            raise SemblanceError(f"No face is found in pictures of this rig; {OFFER}.")
        return face

    def look(self, picture: np.ndarray) -> FaceFrame:
        """The face in a picture that has nothing to do with the one before."""
        if isinstance(self._tracker, FaceTracker):
            self._tracker.reset()
        return self._tracker.track(Frame(_bgr(picture), 0.0, 0))

    def read(self, faces: list[FaceFrame]) -> np.ndarray:
        """Signals float32 [N, 57]; NaN where nothing was seen."""
        track = self._encoder.encode([replace(face, time_s=float(i)) for i, face in enumerate(faces)])
        return np.where(track.confidence[:, None] > 0, signals_of(track), np.nan).astype(np.float32)


class _Pupil:
    """The rig on its stage: pictures of it, read and counted."""

    def __init__(self, portrait: RigPortrait, reader: _Reader, progress: Callable[[int], None]) -> None:
        self._cv2 = require("cv2", "Learning a rig")
        self._portrait, self._reader, self._progress = portrait, reader, progress
        self.pictures = 0
        self.notes: tuple[str, ...] = ()
        neutral = self._take(portrait.binding.profile.control_set.neutral)
        face = reader.settle(neutral)
        self._rest, self._plain = reader.read([face])[0], self._small(neutral)
        if not np.isfinite(self._rest).all():
            raise SemblanceError(f"The encoder cannot read the resting face of this rig; {OFFER}.")
        self._points = FacePoints(portrait, face.landmarks, _PX) if face.has_landmarks else None
        if self._points is None:
            self.notes = ("Landmarks do not fit this face: it was learned from the encoder alone, which tells less.",)

    def show(self, ends: Ends) -> Shown:
        """Each end by itself."""
        faces, changes, movements = [], [], []
        for values in ends.values(self._portrait.binding.profile.control_set):
            picture = self._take(values)
            faces.append(self._reader.look(picture))
            changes.append(self._small(picture) - self._plain)
            movements.append(self._points.movement(values) if self._points else None)
        whole_meshes = [each for each in movements if each is not None]
        known = np.stack(whole_meshes) if len(whole_meshes) == len(movements) else None
        rest = self._points.rest if self._points else None
        return Shown(inputs_of(self._reader.read(faces) - self._rest), np.stack(changes), known, rest)

    def try_out(self, controls: ControlSet, count: int, until_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Faces that were not learned from: values float32 [N, K], and readings float32 [N, INPUTS] beyond rest."""
        nothing, rng = np.zeros((0, len(controls)), np.float32), np.random.default_rng(_SEED)
        sampler, poses, faces = Sampler(controls, nothing, nothing), [], []
        for number in range(count):
            if number >= _FEW and time.monotonic() > until_s:
                break
            poses.append(sampler.draw(rng)[1])
            faces.append(self._reader.look(self._take(poses[-1])))
        return np.stack(poses), inputs_of(self._reader.read(faces) - self._rest)

    def lips(self, controls: ControlSet) -> RigLips | None:
        """How far each control parts the lips, which are taken to touch at rest; None without landmarks."""
        points = self._points
        if points is None:
            return None
        (upper, lower), (right, left) = _LIPS, _CHEEKS
        width = float(np.linalg.norm(points.rest[left] - points.rest[right]))

        def gaps(values: np.ndarray) -> np.ndarray:
            known = [np.zeros_like(points.rest) if moved is None else moved for moved in map(points.movement, values)]
            return np.stack([moved[upper, 1] - moved[lower, 1] for moved in known]) * (100 / width)

        return measure(controls, np.array([control.group != "head" for control in controls.controls]), gaps)

    def _take(self, values: np.ndarray) -> np.ndarray:
        picture = self._portrait.take(values)
        self.pictures += 1
        self._progress(self.pictures)
        return picture

    def _small(self, picture: np.ndarray) -> np.ndarray:
        """float32 [pixels], 0..1: the picture in grey, made smaller."""
        grey = self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2GRAY)
        small = self._cv2.resize(grey, (_CHANGE_PX, _CHANGE_PX), interpolation=self._cv2.INTER_AREA)
        return small.reshape(-1).astype(np.float32) / 255


def _reference(teacher: Portrait, meant: MeaningDecoder, reader: _Reader) -> np.ndarray:
    """float32 [INPUTS, P, 3]: where the teacher's points go for 1.0 of each input."""
    rest = teacher.take(meant.controls.neutral)
    points = FacePoints(teacher, reader.settle(rest).landmarks, _PX)
    signals = np.eye(INPUTS, len(SIGNALS), dtype=np.float32)
    count = coefficients.COUNT
    signals[count:count + 3] *= _TURN_RAD
    signals[count + 3:] = -signals[count:count + 3]
    # Lips only close over a jaw that is open.
    close, jaw = coefficients.INDEX["mouthClose"], coefficients.INDEX["jawOpen"]
    signals[close, jaw] = 1
    moved = np.stack([_moved(points, values) for values in meant.values(signals)])
    moved[close] -= moved[jaw]
    moved[count:] /= _TURN_RAD
    return moved


def _moved(points: FacePoints, values: np.ndarray) -> np.ndarray:
    movement = points.movement(values)
    if movement is None:
        raise SemblanceError(f"The meshes of {_TEACHER} change their vertices; install Semblance again.")
    return movement


def _grouped(controls: ControlSet, ends: Ends, shown: Shown) -> ControlSet:
    """The controls with those in the group "head" that turn it, so that the face stays in sight."""
    if shown.movements is None:
        return controls
    middle = np.median(np.linalg.norm(shown.movements, axis=2), axis=1)
    turning = set(ends.columns[middle > _WHOLE_HEAD].tolist())
    return ControlSet(tuple(
        replace(control, group="head") if column in turning else control
        for column, control in enumerate(controls.controls)
    ))


def _bgr(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[..., ::-1])
