import errno
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from addon.core.errors import SemblanceError
from addon.core.files import check_writable, replacing, write_bytes


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new folder" / "a.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(SemblanceError, match="No space left on device"), replacing(path) as partial:
        partial.write_bytes(b"ha")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_other_errors_pass_and_clean_up(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.bin") as partial:
        partial.write_bytes(b"ha")
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SemblanceError, match="Cannot write .*file"):
        write_bytes(tmp_path / "file" / "a.bin", b"x")


def test_a_folder_is_tried_before_work_is_done_for_it(tmp_path):
    check_writable(tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SemblanceError, match=rf"^Cannot write '{re.escape(str(tmp_path))}.file': .* another folder"):
        check_writable(tmp_path / "file")


def test_many_may_try_one_folder_at_a_time(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(check_writable, [tmp_path] * 200)) == [None] * 200
    assert not list(tmp_path.iterdir())
