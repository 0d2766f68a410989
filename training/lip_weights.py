"""Measure on ICT-FaceKit how far each coefficient parts the lips, and write addon/characters/lip_contact.toml.

    python -m training.lip_weights

ICT-FaceKit's shapes are straight lines: what a shape does to the slit between the inner rims of the lips (Multi-PIE
landmarks 61 to 63 above, 67 to 65 below) is one number, here in per cent of the face's width (landmarks 0 to 16).
"""
from __future__ import annotations

from typing import Final

import numpy as np

from addon.core import coefficients
from addon.core.files import write_bytes
from addon.core.paths import ROOT
from training.performers import SHAPES, shared_folder

OUTPUT: Final = ROOT / "addon" / "characters" / "lip_contact.toml"
TOUCH: Final = 1.0
"""Gaps up to this are brought to contact ..."""
APART: Final = 3.0
"""... and from this on they stay: chosen on the test faces as what costs no coefficient's correlation."""
_UPPER, _LOWER, _CONTOUR = (61, 62, 63), (67, 66, 65), (0, 16)
_LEAST: Final = 0.5
# These part the lips of people a little too, but are for other things.
_OTHERS: Final = ("noseSneerLeft", "noseSneerRight", "jawForward", "mouthRollUpper")


def parting() -> np.ndarray:
    """float [3, 53]: what 1.0 of each shape adds to the slit at its three places, per cent of the face's width."""
    with np.load(shared_folder() / "data" / "ict_facekit" / "ict_facekit.npz", allow_pickle=False) as data:
        rest, landmarks = data["neutral_vertices"], data["landmark_vertices"]
        deltas = data["expression_deltas"].astype(np.float32)
    width = np.linalg.norm(rest[landmarks[_CONTOUR[1]]] - rest[landmarks[_CONTOUR[0]]])
    above, below = (deltas[:, landmarks[list(rim)], 1] for rim in (_UPPER, _LOWER))
    return (100 * (above - below) / width).T


def weights() -> dict[str, float]:
    """Coefficient → by how much 1.0 of it parts (positive) or closes (negative) the lips, % of the face's width."""
    found = dict(zip(coefficients.NAMES[:SHAPES], parting().mean(0).tolist(), strict=True))
    # As ARKit defines it, mouthClose takes back what jawOpen opens: people's closes further, characters' do not.
    found["mouthClose"] = -found["jawOpen"]
    return {name: value for name, value in found.items() if abs(value) >= _LEAST and name not in _OTHERS}


def main() -> None:
    """Write the table."""
    found = weights()
    lines = [
        "# Written by training/lip_weights.py from ICT-FaceKit: how far 1.0 of a coefficient parts or closes the lips,",
        "# in per cent of the face's width. Gaps up to `touch` are brought to contact, from `apart` on they stay.",
        f"touch = {TOUCH}", f"apart = {APART}",
    ]
    for title, sign in (("parting", 1), ("closing", -1)):
        rows = sorted(((sign * value, name) for name, value in found.items() if sign * value > 0), reverse=True)
        lines += ["", f"[{title}]", *(f"{name} = {value:.2f}" for value, name in rows)]
    write_bytes(OUTPUT, ("\n".join(lines) + "\n").encode())
    print(f"Wrote '{OUTPUT.relative_to(ROOT)}': " + ", ".join(f"{name} {value:+.1f}" for name, value in found.items()))


if __name__ == "__main__":
    main()
