"""Cameras by name, and each fault of one told apart. Captures are made up where OpenCV meets the system."""
from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from addon.core.errors import SemblanceError
from addon.tracking import cameras, sources_live
from addon.tracking.cameras import Camera
from addon.tracking.sources import open_source


class Capture:
    """What OpenCV gives for a camera: `pictures` at 100 a second, then it ends."""

    pictures = 5
    opens = True
    size = (64, 48)

    def __init__(self, *_: object) -> None:
        self.left = self.pictures
        self.wishes: dict[int, float] = {}
        self.released_by: str | None = None
        type(self).last = self

    last: Capture

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def get(self, prop: int) -> float:
        return 0.0

    def set(self, prop: int, value: float) -> bool:
        self.wishes[prop] = value
        return True

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(0.01)
        self.left -= 1
        width, height = self.size
        return self.left >= 0, np.full((height, width, 3), 20 * (self.left % 10), np.uint8)

    def release(self) -> None:
        self.released_by = threading.current_thread().name


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Linux with one camera of two nodes."""
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("_NODES", "_DEVICES", "_PROCESSES"):
        monkeypatch.setattr(cameras, name, tmp_path / name)
        (tmp_path / name).mkdir()
    for number, (name, index) in {10: ("Phone as camera", 0), 2: ("HD Pro Webcam", 0), 3: ("HD Pro Webcam", 1)}.items():
        node = tmp_path / "_NODES" / f"video{number}"
        node.mkdir()
        (node / "name").write_text(name + "\n")
        (node / "index").write_text(f"{index}\n")
        (tmp_path / "_DEVICES" / f"video{number}").touch()
    return tmp_path / "_DEVICES"


def fail(monkeypatch: pytest.MonkeyPatch, capture: type, sentence: str) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", capture)
    with pytest.raises(SemblanceError, match=sentence) as caught, open_source("2") as source:
        list(source)
    assert "\n" not in str(caught.value)


def test_linux_tells_names_without_opening_a_camera(devices: Path) -> None:
    (devices.parent / "_NODES" / "video9").mkdir()  # a device that goes away while it is listed
    assert cameras.list_cameras() == [
        Camera(2, "HD Pro Webcam", "/dev/video2"), Camera(10, "Phone as camera", "/dev/video10"),
    ]


def test_elsewhere_numbers_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(cv2, "VideoCapture", None)
    assert [camera.address for camera in cameras.list_cameras()] == ["0", "1", "2", "3"]


def test_no_camera(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", type("No", (Capture,), {"opens": False}))
    with pytest.raises(SemblanceError, match=r"There is no camera 7: the cameras here are 2 \(HD Pro Webcam\), 10"):
        open_source(7)
    for each in (*devices.parent.glob("_NODES/*/*"), *devices.iterdir()):
        each.unlink()
    with pytest.raises(SemblanceError, match="There is no camera 2: connect one"):
        open_source("/dev/video2")


def test_camera_that_another_program_uses(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fds = devices.parent / "_PROCESSES" / "4711" / "fd"
    fds.mkdir(parents=True)
    (fds / "3").symlink_to(devices / "video2")
    (fds.parent / "comm").write_text("zoom\n")
    fail(monkeypatch, type("Busy", (Capture,), {"opens": False}), "Camera 2 is in use by 'zoom': close that program")
    fail(monkeypatch, type("Mute", (Capture,), {"pictures": 0}), "Camera 2 is in use by 'zoom'")


def test_camera_that_gives_nothing(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, type("Mute", (Capture,), {"pictures": 0}), "Camera 2 gives no picture: close other programs")


def test_permission_refused(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = type("Refused", (Capture,), {"opens": False})
    monkeypatch.setattr(cameras.os, "access", lambda *_: False)
    fail(monkeypatch, refused, "You may not use camera 2: add yourself to the group of .*usermod -aG video")
    for platform, where in (("darwin", "System Settings > Privacy & Security > Camera"),
                            ("win32", "Settings > Privacy & security > Camera")):
        monkeypatch.setattr(sys, "platform", platform)
        fail(monkeypatch, refused, where)


def test_camera_unplugged_while_running(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unplugged(Capture):
        def read(self) -> tuple[bool, np.ndarray | None]:
            if self.left == 1:
                (devices / "video2").unlink()
            return super().read()

    fail(monkeypatch, Unplugged, "Camera 2 was unplugged; connect it and start again")
    (devices / "video2").touch()
    fail(monkeypatch, Capture, "Camera 2 stopped sending pictures")


@pytest.mark.parametrize("gives_up", [False, True], ids=["driver hangs", "driver gives up"])
def test_camera_that_stalls(devices: Path, monkeypatch: pytest.MonkeyPatch, gives_up: bool) -> None:
    monkeypatch.setattr(sources_live, "STALL_S", 0.2)
    go_on = threading.Event()

    class Stalled(Capture):
        def read(self) -> tuple[bool, np.ndarray | None]:
            if self.left == 1:
                go_on.wait(0.3 if gives_up else 10)
                return False, None
            return super().read()

    begin = time.monotonic()
    fail(monkeypatch, Stalled, "Camera 2 has sent no picture for 0.[23] s")
    assert time.monotonic() - begin < 3
    go_on.set()


def test_camera_that_sends_garbage(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Garbage(Capture):
        pictures = 30

        def read(self) -> tuple[bool, Any]:
            read, image = super().read()
            garbage = [None, np.zeros((0, 0, 3), np.uint8), image]
            return read, garbage[self.left % 3]

    monkeypatch.setattr(cv2, "VideoCapture", Garbage)
    seen = []
    with pytest.raises(SemblanceError, match="stopped sending"), open_source(2) as source:
        seen.extend(frame.image.shape for frame in source)
    assert 5 <= len(seen) <= 10 and set(seen) == {(48, 64, 3)}

    class Throws(Capture):
        def read(self) -> tuple[bool, Any]:
            raise cv2.error("broken")

    fail(monkeypatch, Throws, "Camera 2 gives no picture")


def test_wishes_and_what_came_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    with open_source(2, width=1280, height=720, fps=60, mirror=True) as source:
        wishes = Capture.last.wishes
    assert wishes[cv2.CAP_PROP_FRAME_WIDTH] == 1280 and wishes[cv2.CAP_PROP_FPS] == 60
    assert cv2.CAP_PROP_FOURCC in wishes
    assert source.warnings == ["Camera 2 gives 64 × 48 pixels instead of 1280 × 720."]
    with open_source(2, width=64, height=48) as source:
        assert source.warnings == [] and cv2.CAP_PROP_FOURCC not in Capture.last.wishes
    with open_source(2):
        assert set(Capture.last.wishes) == {cv2.CAP_PROP_BUFFERSIZE}


def test_only_the_newest_picture_waits_and_the_clock_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera of 100 pictures a second, and somebody who takes ten a second."""
    monkeypatch.setattr(cv2, "VideoCapture", type("Fast", (Capture,), {"pictures": 1000}))
    with open_source(2) as source:
        opened, at = time.monotonic(), []
        for frame in source:
            at.append((frame.time_s, time.monotonic() - opened))
            time.sleep(0.1)
            if len(at) == 5:
                break
    late = np.diff(np.array(at[1:]), axis=1)
    assert np.ptp(late) < 0.2  # no picture is older than another when it is taken
    assert Capture.last.released_by != threading.current_thread().name


def test_closing_from_elsewhere_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", type("Endless", (Capture,), {"pictures": 10**6}))
    source = open_source(2)
    threading.Timer(0.1, source.close).start()
    assert len(list(source)) > 1
    assert Capture.last.released_by == "capture"
