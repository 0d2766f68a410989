"""The characters' figures: how well the shipped decoder finds controls that it was never shown."""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from addon.core.errors import SemblanceError
from addon.core.paths import ROOT

from .figures import Row


def measure_animator() -> dict[str, Row]:
    """Mean absolute control error of Pip's decoder on fresh held-out pairs, against the best of the trivial rivals.

    A minute and a half on one core: the pairs are made again, with a seed that training did not use.
    """
    import torch

    from addon.characters.decoder import load_decoder
    from addon.core.rig_profile import find_profile

    from .pip_pairs import as_track, make_pairs
    from .train_decoder import trivial_rivals

    shared = Path(os.environ.get("SEMBLANCE_SHARED", ROOT.parent / "shared"))
    if not (shared / "data/ict_facekit").is_dir():
        raise SemblanceError(f"There is no ICT-FaceKit in '{shared}' (set SEMBLANCE_SHARED to the folder that has it).")
    torch.set_num_threads(1)
    profile = find_profile("pip")
    pairs = make_pairs(shared, count=24_000, seed=71)
    held_out = pairs.held_out
    values = load_decoder(profile).decode(as_track(pairs.inputs[held_out])).values
    true = pairs.controls[held_out]
    rivals = trivial_rivals(pairs.inputs[~held_out], pairs.controls[~held_out], pairs.inputs[held_out])
    errors = {name: float(np.abs(np.clip(value, -1, 1) - true).mean()) for name, value in rivals.items()}
    best = min(errors, key=errors.__getitem__)
    ours = float(np.abs(profile.control_set.scaled(values) - true).mean())
    described = ", ".join(f"{name} {error:.3f}" for name, error in errors.items())
    return {"animator.mae_ratio": Row(ours / errors[best], 1.0, f"best trivial ({described}); ours {ours:.3f}", "ratio",
                                      "<= 0.5")}


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {("animator.mae_ratio",): measure_animator}
