"""Which bones are fingers, by the names that Rigify, MPFB, Mixamo and VRM give them."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_PLACES: Final = {"thumb": "1", "index": "2", "middle": "3", "ring": "4", "pinky": "5"}
"""Finger → its number in MPFB's rigs (finger2-1.L)."""
_PATTERNS: Final = (
    r"(?:DEF-|ORG-)?(?:f_)?{finger}\.0(?P<part>[123])\.(?P<side>[LR])",           # Rigify
    r"finger{place}-(?P<part>[123])\.(?P<side>[LR])",                             # MPFB
    r"(?:.*:)?(?P<side>Left|Right)Hand{finger}(?P<part>[123])",                   # Mixamo
    r"J_Bip_(?P<side>[LR])_{vrm}(?P<part>[123])",                                 # VRM, VRoid
)


def find_fingers(names: Sequence[str]) -> dict[str, int]:
    """"left_index2" and the like → number of the bone."""
    found: dict[str, int] = {}
    for finger, place in _PLACES.items():
        for pattern in _PATTERNS:
            known = pattern.format(finger=finger, place=place, vrm=finger.replace("pinky", "little"))
            whole = re.compile(known, re.IGNORECASE)
            for number, name in enumerate(names):
                if (match := whole.fullmatch(name)) is not None:
                    side = "left" if match["side"][0].upper() == "L" else "right"
                    found.setdefault(f"{side}_{finger}{match['part']}", number)
    return found
