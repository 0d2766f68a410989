from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from addon.core.claims import claimed, is_claimed
from addon.core.errors import SemblanceError
from addon.core.paths import ROOT

_HOLD = """
import sys, time
from pathlib import Path
from addon.core.claims import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_at_a_time_and_nothing_is_left(tmp_path: Path) -> None:
    path, inside, most = tmp_path / "a" / ".claim", [], []

    def work(number: int) -> None:
        with claimed(path):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.01)
            inside.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert most == [1] * 8 and not list(path.parent.iterdir())


def test_a_holder_that_is_killed_holds_no_longer(tmp_path: Path) -> None:
    path = tmp_path / ".claim"
    assert not is_claimed(path)
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        assert is_claimed(path) and path.is_file()
    finally:
        holder.kill()
        holder.wait(10)
    assert path.is_file() and not is_claimed(path)
    with claimed(path):
        assert is_claimed(path)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SemblanceError, match="Cannot write"), claimed(tmp_path / "file" / ".claim"):
        pass
