"""Where pictures come from: a video file, images, a webcam or a network stream, each with its own clock."""
from __future__ import annotations

import contextlib
import itertools
import mimetypes
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from ..core.errors import SemblanceError, require
from ..core.frames import Frame
from . import cameras
from .mjpeg import open_mjpeg
from .opencv import opencv
from .sources_live import STALL_S, Newest, Pictures, mirrored, paced

IMAGE_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".exr", ".jp2"})
SMALLEST: Final = 16
"""px: no face can be recognised in a picture that is narrower or lower."""
LARGEST: Final = 16384
"""px: OpenCV cannot cut regions out of pictures much larger."""
MOST_PX: Final = 64_000_000
"""Of a PNG; a damaged one of 100 bytes can promise a thousand million, which cost gigabytes."""
OPEN_TIMEOUT_MS: Final = 10_000
NOMINAL_FPS: Final = 30.0
"""Assumed where a source tells neither times nor a rate."""
LONGEST_GAP_S: Final = 3600.0
"""A longer leap between two frames is a damaged time."""
WHOLE: Final = 0.95
"""A video that ends before this part of the frames that its header promises is told to be damaged."""

@dataclass(frozen=True)
class SourceInfo:
    """What is known of a source before it is read through."""

    kind: str
    """"video", "images", "camera" or "stream"."""
    name: str
    width: int
    height: int
    frame_count: int | None
    """Frames in the chosen part; None for a live source, an estimate for some files."""
    fps: float | None
    """The nominal rate; the frames' own times are what counts."""


@dataclass
class Source:
    """Frames in the order of time; close it, or use it in a `with` statement.

    Iterating gives each Frame once, with strictly rising times and the frame's number in the whole source.
    """

    info: SourceInfo
    warnings: list[str]
    """One sentence each on what could not be read so far."""
    _pictures: Pictures
    _close: Callable[[], None]
    _range: tuple[float, float] = field(default=(-np.inf, np.inf))

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file or the camera."""
        self._close()

    def __iter__(self) -> Iterator[Frame]:
        start, end = self._range
        empty = True
        for index, (image, time_s) in enumerate(self._pictures):
            if time_s > end:
                break
            if time_s >= start:
                empty = False
                yield Frame(image, time_s, index)
        if empty and self._range != (-np.inf, np.inf):
            first = f"{start:g} s" if start > -np.inf else "its start"
            last = f"{end:g} s" if end < np.inf else "its end"
            raise SemblanceError(f"'{self.info.name}' has no frame between {first} and {last}.")


def open_source(
    address: str | int | Path, start_s: float | None = None, end_s: float | None = None, fps: float = 0.0,
    *, width: int = 0, height: int = 0, mirror: bool = False, loop: bool = False, realtime: bool = False,
) -> Source:
    """Open what `address` names.

    A number (or /dev/video…) is a webcam; `rtsp://…`, `http://…` and the like a stream; a folder, one image or a
    pattern such as `take/frame_%04d.png` or `take/*.png` an image sequence, `fps` images a second (0: 30), numbers left
    out in the names being gaps in time; anything else a video file. Of a webcam and of a stream without an end
    only the newest picture is given, timed by our own clock.

    Args:
        start_s, end_s: a part by the source's times.
        width, height, fps: what a camera is asked for (0: its own); it may have something else.
        mirror: pictures as a mirror shows them.
        loop: a file begins again at its end, its times go on.
        realtime: a file is given at its own speed and late pictures are dropped, as if it were a camera.

    Raises:
        SemblanceError: one sentence on what is wrong with it.
    """
    source = _part(address, start_s, end_s, fps, (width, height))
    is_file = source.info.frame_count is not None or source.info.kind in ("video", "images")
    if loop and is_file:
        source = _looped(source, lambda: _part(address, start_s, end_s, fps, (width, height)))
    if realtime and is_file:
        source._pictures = paced(source._pictures, 1 / (source.info.fps or NOMINAL_FPS))
    if mirror:
        source._pictures = mirrored(source._pictures)
    return source


def _part(
    address: str | int | Path, start_s: float | None, end_s: float | None, fps: float, size: tuple[int, int]
) -> Source:
    """The source, or the part of it between two times."""
    start, end = -np.inf if start_s is None else start_s, np.inf if end_s is None else end_s
    if not start < end:
        raise SemblanceError(f"The start at {start:g} s must come before the end at {end:g} s.")
    text = str(address).strip()
    camera = re.fullmatch(r"(?:/dev/video)?(\d{1,3})", text)
    if camera and not Path(text).is_file():
        source = _camera(int(camera[1]), *size, fps)
    elif re.match(r"\w{2,}://", text):
        source = _stream(text)
    else:
        source = _file(Path(text).expanduser(), fps or NOMINAL_FPS)
    try:
        _check_size(source)
    except SemblanceError:
        source.close()
        raise
    source._range = (start, end)
    count, rate = source.info.frame_count, source.info.fps
    if (start_s, end_s) != (None, None) and count and rate:
        part = round((min(end, count / rate) - max(start, 0)) * rate)
        source.info = replace(source.info, frame_count=min(max(part, 1), count))
    return source


def _looped(source: Source, again: Callable[[], Source]) -> Source:
    """The source over and over, without an end."""
    now, step_s = [source], 1 / (source.info.fps or NOMINAL_FPS)

    def pictures() -> Pictures:
        last_s: float | None = None
        while True:
            shift_s: float | None = None
            for frame in now[0]:
                if shift_s is None:
                    shift_s = 0.0 if last_s is None else last_s + step_s - frame.time_s
                last_s = frame.time_s + shift_s
                yield frame.image, last_s
            if shift_s is None:
                return
            now[0].close()
            now[0] = again()

    info = replace(source.info, frame_count=None)
    return Source(info, source.warnings, pictures(), lambda: now[0].close())


def _check_size(source: Source) -> None:
    info = source.info
    if min(info.width, info.height) < SMALLEST or max(info.width, info.height) > LARGEST:
        raise SemblanceError(
            f"The pictures of '{info.name}' are {info.width} × {info.height} pixels; "
            f"Semblance reads {SMALLEST} to {LARGEST} on each side."
        )


def _file(path: Path, fps: float) -> Source:
    if path.is_dir():
        images = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
        if not images:
            raise SemblanceError(f"The folder '{path}' has no images in it; choose a video file or a folder of images.")
        return _images(images, path.name, fps)
    if path.is_file() and path.suffix.lower() not in IMAGE_SUFFIXES:
        return _video(path)
    images = [path] if path.is_file() else _matching(path)
    if not images:
        raise SemblanceError(f"There is no file '{path}'; check its name and folder.")
    return _images(images, path.name, fps)


def _matching(pattern: Path) -> list[Path]:
    """The files that a pattern with %04d, #### or * names; none for a plain name."""
    expression, found = "", False
    for part in re.split(r"(%0?\d*d|#+|\*)", pattern.name):
        number = part.startswith(("%", "#")) and len(part) > len(part.lstrip("%#"))
        found = found or number or part == "*"
        expression += r"\d+" if number else ".*" if part == "*" else re.escape(part)
    if not found or not pattern.parent.is_dir():
        return []
    return [p for p in pattern.parent.iterdir() if re.fullmatch(expression, p.name) and p.is_file()]


def _images(paths: list[Path], name: str, fps: float) -> Source:
    if not (np.isfinite(fps) and fps > 0):
        raise SemblanceError(f"The rate of the images in '{name}' must be a positive number (found {fps:g}).")
    warnings: list[str] = []
    ordered = sorted(paths, key=lambda path: _natural(path.name))
    pictures = _read_images(ordered, fps, warnings)
    return _opened("images", name, pictures, warnings, lambda: None, len(ordered), fps)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts frame_2 before frame_10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


def _read_images(paths: list[Path], fps: float, warnings: list[str]) -> Pictures:
    cv2 = opencv()
    numbers = [int(found[-1]) if (found := re.findall(r"\d+", path.stem)) else -1 for path in paths]
    if any(b <= a for a, b in itertools.pairwise(numbers)) or numbers[0] < 0:
        numbers = list(range(len(paths)))
    shape = None
    for path, number in zip(paths, numbers, strict=True):
        image = None
        with contextlib.suppress(OSError, cv2.error):
            # Not imread: it cannot open every name on Windows.
            data = path.read_bytes()
            if is_sound_png(data):
                image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            warnings.append(f"The image '{path}' cannot be read and was left out.")
        elif image.shape != (shape := shape or image.shape):
            warnings.append(f"The image '{path}' has another size than the first and was left out.")
        else:
            yield image, (number - numbers[0]) / fps


def is_sound_png(data: bytes) -> bool:
    """False for a PNG that is cut off or promises too much: OpenCV sets aside whatever a chunk says that it needs.

    Any other file is left to its own decoder (True).
    """
    if data[:4] != b"\x89PNG":
        return True
    chunk = 8
    while (kind := data[chunk + 4:chunk + 8]) not in (b"", b"IEND"):
        chunk += 12 + int.from_bytes(data[chunk:chunk + 4], "big")
    return kind == b"IEND" and int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big") <= MOST_PX


def _video(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise SemblanceError(f"Cannot read '{path}': {error.strerror}.") from error
    if empty:
        raise SemblanceError(f"The video '{path}' is empty (0 bytes).")
    opencv()
    for read in (lambda: _captured("video", path.name, str(path)), lambda: _decoded(path)):
        with contextlib.suppress(SemblanceError):
            return read()
    if (mimetypes.guess_type(path.name)[0] or "").startswith("audio/"):
        raise SemblanceError(f"'{path}' is a sound file; choose a video or a folder of images.")
    raise SemblanceError(
        f"No picture can be read from '{path}': it is damaged, has only sound, or uses an unknown codec; "
        "try to convert it to an H.264 mp4."
    )


def _opened(
    kind: str, name: str, pictures: Pictures, warnings: list[str], close: Callable[[], None], count: int | None,
    fps: float | None,
) -> Source:
    """A Source whose first picture has been read, so that what is wrong is said now."""
    try:
        first = next(pictures, None)
    except SemblanceError:
        close()
        raise
    if first is None:
        close()
        raise SemblanceError(f"'{name}' has no picture that can be read.")
    height, width = first[0].shape[:2]
    info = SourceInfo(kind, name, width, height, count, fps)
    return Source(info, warnings, itertools.chain([first], pictures), close)


def _captured(kind: str, name: str, address: str) -> Source:
    """A file or stream through OpenCV's FFmpeg, turned as the file's rotation flag says."""
    cv2 = opencv()
    options = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * STALL_S),
        cv2.CAP_PROP_N_THREADS, 1,  # each thread more would keep a picture back
    ]
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, options if kind == "stream" else [])
    if not capture.isOpened():
        raise SemblanceError(f"'{name}' cannot be opened.")
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    fps = _sane_rate(capture.get(cv2.CAP_PROP_FPS))
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    if kind == "stream" and not 0 < count < 1e9:
        return _live_stream(name, capture, fps)
    finite = 0 < count < 1e9
    warnings: list[str] = []
    duration = count / fps if finite and fps and kind == "video" else 0.0
    pictures = _rising(_read_capture(cv2, capture), name, fps, duration, warnings)
    return _opened(kind, name, pictures, warnings, capture.release, int(count) if finite else None, fps)


def _live_stream(
    name: str, capture: Any, fps: float | None, interrupt: Callable[[], None] | None = None
) -> Source:
    """A stream without an end. Its own times may be invented (MJPEG over HTTP has none) or those of a wrong clock, so
    what counts is when a picture arrives. `interrupt` ends a read that waits.
    """
    def stalled(seconds: float) -> str:
        return f"'{name}' has sent no picture for {seconds:g} s; check the sender and the network, and start again."

    newest = Newest(capture, lambda: "", stalled, interrupt)
    return _opened("stream", name, newest.pictures(), [], newest.close, None, fps)


def _sane_rate(fps: float | None) -> float | None:
    """Containers without a rate tell 0, NaN or their time base (1000, 90000)."""
    return float(fps) if fps and 1 <= fps <= 480 else None


def _read_capture(cv2: ModuleType, capture: Any) -> Pictures:
    while True:
        read, image = capture.read()
        if not read:
            return
        yield image, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def _rising(pictures: Pictures, name: str, fps: float | None, duration: float, warnings: list[str]) -> Pictures:
    """The same pictures with strictly rising times.

    A time that does not rise, or leaps by more than LONGEST_GAP_S, becomes the next by the nominal rate.
    """
    step, last, repaired = 1 / (fps or NOMINAL_FPS), None, 0
    for image, time_s in pictures:
        usable = abs(time_s) < LONGEST_GAP_S if last is None else last < time_s < last + LONGEST_GAP_S
        if not usable:
            time_s = 0.0 if last is None else last + step
            repaired += 1
        last = time_s
        yield image, time_s
    if repaired:
        warnings.append(f"{repaired} frames of '{name}' have no usable time; they follow at {1 / step:g} a second.")
    if last is not None and last + 2 * step < WHOLE * duration:
        warnings.append(f"'{name}' ends after {last:.1f} s of {duration:.1f} s: the file is damaged or cut off.")


def _camera(number: int, width: int, height: int, fps: float) -> Source:
    capture = cameras.open_capture(number, width, height, fps)
    if not capture.isOpened():
        raise SemblanceError(cameras.no_picture(number))
    rate = _sane_rate(capture.get(opencv().CAP_PROP_FPS))
    newest = Newest(capture, lambda: cameras.lost(number), lambda seconds: cameras.stalled(number, seconds))
    try:
        source = _opened("camera", f"camera {number}", newest.pictures(), [], newest.close, None, rate)
    except SemblanceError as error:
        raise SemblanceError(cameras.no_picture(number)) from error
    got = (source.info.width, source.info.height)
    if width and height and got != (width, height):
        source.warnings.append(f"Camera {number} gives {got[0]} × {got[1]} pixels instead of {width} × {height}.")
    return source


def _stream(address: str) -> Source:
    name = re.sub(r"(?<=://)[^/@]*@", "", address)  # a password is not for messages and takes
    pictures = open_mjpeg(address) if address.startswith(("http://", "https://")) else None
    try:
        if pictures:
            return _live_stream(name, pictures, None, pictures.release)
        return _captured("stream", name, address)
    except SemblanceError as error:
        raise SemblanceError(
            f"Nothing can be read from '{name}': check the address, the port and that the sender is running."
        ) from error


def _decoded(path: Path) -> Source:
    """A file through PyAV, for codecs that OpenCV's FFmpeg was built without."""
    av = require("av", f"A second way to read '{path.name}'")
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise SemblanceError(f"'{path}' cannot be read by PyAV.") from error
    if not container.streams.video:
        container.close()
        raise SemblanceError(f"'{path}' has no pictures.")
    track = container.streams.video[0]
    fps = _sane_rate(track.average_rate and float(track.average_rate))
    duration = float(container.duration or 0) / av.time_base
    warnings: list[str] = []
    pictures = _rising(_decode(av, container), path.name, fps, duration, warnings)
    return _opened("video", path.name, pictures, warnings, container.close, track.frames or None, fps)


def _decode(av: ModuleType, container: Any) -> Pictures:
    first = None
    with contextlib.suppress(av.FFmpegError):
        for frame in container.decode(video=0):
            time_s = np.nan if frame.time is None else frame.time
            first = time_s if first is None else first
            image = frame.to_ndarray(format="bgr24")
            yield np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90))), time_s - first
