"""The body of a source that is read as a whole: kept frame by frame beside the face, and what of it was to be seen."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ..core.errors import SemblanceError
from ..core.frames import BodyFrame, BodyTrack, FaceFrame, Frame, stack_bodies
from ..tracking.body import BodyTracker
from ..tracking.company import Company
from ..tracking.drawn import DrawnFaceTracker
from ..tracking.person import PersonTracker
from ..tracking.tracker import FaceTracker

_SEEN: Final = 0.5
"""Least visibility of a landmark that counts as seen, and least share of the frames that a part is to be seen in."""
_PARTS: Final = {"hips": [23, 24], "knees": [25, 26], "feet": [27, 28]}
"""What a picture of half a body lacks, and the landmarks that tell."""
_MOST_SPANS: Final = 3


class BodyReading:
    """Reads one source once."""

    def __init__(self) -> None:
        """Raises SemblanceError if onnxruntime or a network is missing."""
        self._tracker = BodyTracker()
        self._frames: list[BodyFrame] = []

    @property
    def stamps(self) -> dict[str, str]:
        """Role → stamp of the networks, for a take's header."""
        return self._tracker.stamps

    def warnings(self, track: BodyTrack) -> Iterator[str]:
        """Sentences on what the whole track lacks, and on other people in the picture."""
        yield from unseen_parts(track)
        yield from others_in_words(self._tracker.company)

    @property
    def track(self) -> BodyTrack:
        """What was seen so far."""
        return stack_bodies(self._frames)

    def beside(self, face: FaceTracker | DrawnFaceTracker) -> Callable[[Frame], FaceFrame]:
        """The face tracker's `track`, which sees to the body as well."""
        person = PersonTracker(face, self._tracker) if isinstance(face, FaceTracker) else None

        def follow(frame: Frame) -> FaceFrame:
            seen, body = person.track(frame) if person else (face.track(frame), self._tracker.track(frame))
            self._frames.append(body)
            return seen

        return follow


def check_body(track: BodyTrack, address: str) -> None:
    """Raise SemblanceError if nobody is in it, not even a hand."""
    if not (track.found.any() or track.hands_found.any()):
        raise SemblanceError(
            f"No body was found in any of the {len(track)} frames of '{address}'; film at least head and shoulders, "
            "or track only the face (without --body)."
        )


def in_words(track: BodyTrack) -> str:
    """How much of the source shows the body and each hand."""
    left, right = (f"{seen.mean():.0%}" for seen in track.hands_found.T)
    return f"A body in {track.found.mean():.0%}, its left hand in {left}, its right hand in {right} of the frames."


def others_in_words(company: Company) -> Iterator[str]:
    """A sentence if somebody else was there, and one on where they were mistaken for the followed one."""
    if company.others > 1:
        yield (
            f"Other people were in {company.others / company.looks:.0%} of the pictures; one was followed, from the "
            "chosen face on or, without one, the largest."
        )
    if company.mistaken_s:
        spans = ", ".join(f"{since:.1f} to {until:.1f} s" for since, until in company.mistaken_s[:_MOST_SPANS])
        yield f"Somebody else came before the followed person and may have been followed instead: {spans}."


def unseen_parts(track: BodyTrack) -> Iterator[str]:
    """A sentence for what was mostly out of the picture or hidden; the networks guess there, but for hands."""
    found = track.visibility[track.found]
    if len(found) == 0:
        yield "Only hands were seen, no body; film head and shoulders too where a body is to be keyed."
        return
    shares = {name: float((found[:, points].max(1) >= _SEEN).mean()) for name, points in _PARTS.items()}
    lacking = [f"{name} in {share:.0%}" for name, share in shares.items() if share < _SEEN]
    if lacking:
        yield f"Half a body: {', '.join(lacking)} of the frames; where they are not to be seen they are guessed."
    never = [name for name, seen in zip(("left", "right"), track.hands_found.any(0), strict=True) if not seen]
    if never:
        hands = "No hand was" if len(never) == 2 else f"The {never[0]} hand was never"
        yield f"{hands} seen: out of the picture, behind the back or hidden; unseen fingers are not invented."
