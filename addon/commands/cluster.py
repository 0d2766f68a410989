"""Items of a batch on a Dask cluster: whoever has workers in a Python with Semblance can lend them."""
from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ..core.errors import SemblanceError
from ..core.paths import ROOT
from .batch import Report, do_in_own_process, failure
from .manifest import Item

LOCAL: Final = "local"
_CONNECT_S: Final = 15


def do_on_cluster(items: Sequence[Item], address: str, workers: int) -> Iterator[tuple[Item, Report]]:
    """Each item with its report, as they are done.

    Dask gives an item whose worker is gone to another; the item's claim sees to it that only one does it, also where
    the process of the first goes on without its worker. All computers need the same paths and the same Semblance.

    Args:
        address: of the scheduler, such as tcp://farm:8786; "local" = a cluster of `workers` on this computer.

    Raises:
        SemblanceError: without Dask, or if the scheduler does not answer.
    """
    distributed = _distributed()
    with contextlib.ExitStack() as ours:
        try:
            place = ours.enter_context(_local(distributed, workers, ours)) if address == LOCAL else address
            client = ours.enter_context(distributed.Client(place, timeout=_CONNECT_S))
        except (OSError, ValueError) as error:
            raise SemblanceError(f"The Dask scheduler '{address}' cannot be reached ({error}).") from error
        futures = {client.submit(_work, item.to_json(), pure=False): item for item in items}
        for future in distributed.as_completed(futures):
            item = futures[future]
            try:
                yield item, future.result()
            except Exception as error:  # whatever a worker of another computer may raise, the other items go on
                yield item, failure(item, f"The cluster could not do it ({type(error).__name__}: {error}).")


def _distributed() -> Any:
    if __package__ != "addon.commands":
        raise SemblanceError(
            "A cluster is used from a terminal, not from Blender: python render_batch.py --scheduler ..., in a Python "
            "with the bpy module."
        )
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise SemblanceError(
            f"A cluster needs Dask, which is not here ({error}): pip install 'semblance[cluster]'."
        ) from error


def _local(distributed: Any, workers: int, ours: contextlib.ExitStack) -> Any:
    scratch = ours.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=scratch,
        memory_limit=0, silence_logs=50,
    )


def _work(text: str) -> Report:
    """One item, on a worker; Blender gets a process of its own, so that the worker stays small and answers."""
    return do_in_own_process(Item.from_json(text), [sys.executable, str(Path(ROOT, "render_batch.py"))])
