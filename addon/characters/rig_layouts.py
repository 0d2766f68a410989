"""Known face rigs of sliders: what the names of shape keys and custom properties mean, from the table beside it."""
from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..core import coefficients
from .bone_layouts import read_board_names
from .control_names import coefficients_of, joined, shared_starts

ARKIT: Final = "ARKit shape keys"
# Fewer of ARKit's shapes have their meaning, but make no ARKit face.
_ARKIT_QUORUM: Final = 8
# So many of ARKit's shapes outweigh any layout of whole expressions that the same face also has.
_ARKIT_RICH: Final = 12


@dataclass(frozen=True)
class _Slider:
    meaning: Mapping[str, float]
    unless: tuple[str, ...]


@dataclass(frozen=True)
class _Layout:
    name: str
    quorum: int
    sliders: Mapping[str, _Slider]
    """Each spelling → its slider."""


def _read_layouts(text: str) -> Iterator[_Layout]:
    for row in tomllib.loads(text)["layout"]:
        sliders = {
            name: _Slider(slider["meaning"], tuple(slider.get("unless", ())))
            for slider in row["slider"] for name in slider["names"]
        }
        yield _Layout(row["name"], row["quorum"], sliders)


_LAYOUTS: Final = tuple(_read_layouts((Path(__file__).parent / "rig_layouts.toml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Reading:
    """What the names of a face's sliders say together."""

    layout: str
    """ARKIT, "VRM", "VRoid", "VRChat", "MetaHuman board" or "" for none that is known."""
    meanings: Mapping[str, Mapping[str, float]]
    """Name → signal → share of the slider's full shape; only names that have a meaning."""


def read_sliders(holders: Mapping[str, frozenset[str]]) -> Reading:
    """The meaning of slider names; `holders` says on which meshes (or other owners) each name is.

    One layout is chosen for the whole face, and on one mesh no two names mean the same, so that nothing is shown twice.
    """
    starts = ("", *shared_starts(holders, _ARKIT_QUORUM))
    arkit = max((_read_arkit(holders, start) for start in starts), key=lambda reading: len(reading.meanings))
    others = [*(_read_layout(layout, holders) for layout in _LAYOUTS), Reading(*read_board_names(holders))]
    richest = max(others, key=lambda reading: len(reading.meanings))
    if len(arkit.meanings) >= _ARKIT_RICH or len(arkit.meanings) >= len(richest.meanings):
        return arkit
    return richest


def _read_arkit(holders: Mapping[str, frozenset[str]], start: str) -> Reading:
    """What the names say without `start`, which many of them have."""
    meanings: dict[str, dict[str, float]] = {}
    taken: set[tuple[str, str]] = set()
    # Halves before whole shapes, ARKit's own spelling before others, then by name.
    order = sorted(
        ((name, found) for name in holders if (found := coefficients_of(name.removeprefix(start)))),
        key=lambda pair: (len(pair[1]), pair[0] not in coefficients.ARKIT_OF, pair[0]),
    )
    for name, found in order:
        claims = {(holder, coefficient) for holder in holders[name] for coefficient in found}
        if claims.isdisjoint(taken):
            taken |= claims
            meanings[name] = {coefficient: 1 / len(found) for coefficient in found}
    layout = ARKIT if len(meanings) >= _ARKIT_QUORUM else ""
    return Reading(layout, {name: meanings[name] for name in holders if name in meanings})


def _read_layout(layout: _Layout, holders: Mapping[str, frozenset[str]]) -> Reading:
    spellings = {name: key for name in holders if (key := _first(joined(name), layout.sliders))}
    present = set(spellings.values())
    meanings: dict[str, Mapping[str, float]] = {}
    taken: set[tuple[str, int]] = set()
    for name, key in spellings.items():
        slider = layout.sliders[key]
        claims = {(holder, id(slider)) for holder in holders[name]}
        if present.isdisjoint(slider.unless) and claims.isdisjoint(taken):
            taken |= claims
            meanings[name] = slider.meaning
    return Reading(layout.name, meanings) if len(present) >= layout.quorum else Reading("", {})


def _first(spellings: Iterable[str], known: Mapping[str, _Slider]) -> str:
    """The first spelling that is known; VRoid's keys may have any model's name before "Fcl"."""
    for spelling in spellings:
        for candidate in (spelling, "fcl" + spelling.rpartition("fcl")[2]):
            if candidate in known:
                return candidate
    return ""
