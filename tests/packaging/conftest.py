"""The scripts of packaging/, and one zip for all tests: of this checkout, with wheels for the Python that runs them."""
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def packaging_path() -> Iterator[None]:
    """The scripts of packaging/ import each other as they do when they are run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "packaging"))
        yield


@pytest.fixture(scope="session")
def zip_here(packaging_path: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make zip` builds it, but for one Python: its wheels pip has fetched already, to set this Python up."""
    pytest.importorskip("bpy")
    from build_zip import build
    from wheel_lock import Edition, own_platform

    edition = Edition(own_platform(), ("{}.{}".format(*sys.version_info[:2]),))
    return build(edition, tmp_path_factory.mktemp("zip"))
