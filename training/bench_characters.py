"""The characters' figures: how well the shipped decoder finds controls that it was never shown."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .figures import Row

if TYPE_CHECKING:
    from addon.core.rig_profile import RigProfile

    from .pip_pairs import Pairs


def measure_animator() -> dict[str, Row]:
    """Mean absolute control error of Pip's decoder on fresh held-out pairs, against the best of the trivial rivals.

    Once on the pairs as training makes them, once with every random pose of the rig, also those that no human face can
    make. Three minutes on one core: the pairs are made again, with seeds that training did not use.
    """
    import torch

    from addon.core.rig_profile import find_profile

    from .performers import shared_folder
    from .pip_pairs import make_pairs

    shared = shared_folder()
    torch.set_num_threads(1)
    profile = find_profile("pip")
    human = make_pairs(shared, count=24_000, seed=71)
    every = make_pairs(shared, count=24_000, seed=72, every_pose=True)
    return {
        "animator.mae_ratio": _beside_rivals(profile, human, human),
        "animator.mae_ratio_every_pose": _beside_rivals(profile, human, every),
    }


def _beside_rivals(profile: RigProfile, known: Pairs, asked: Pairs) -> Row:
    """The decoder and the rivals, which learn from `known`, on what `asked` holds out."""
    from addon.characters.decoder import load_decoder

    from .pip_pairs import as_track
    from .train_decoder import trivial_rivals

    inputs, true = asked.inputs[asked.held_out], asked.controls[asked.held_out]
    values = load_decoder(profile).decode(as_track(inputs)).values
    rivals = trivial_rivals(known.inputs[~known.held_out], known.controls[~known.held_out], inputs)
    errors = {name: float(np.abs(np.clip(value, -1, 1) - true).mean()) for name, value in rivals.items()}
    best = min(errors, key=errors.__getitem__)
    ours = float(np.abs(profile.control_set.scaled(values) - true).mean())
    described = ", ".join(f"{name} {error:.3f}" for name, error in errors.items())
    return Row(ours / errors[best], 1.0, f"best trivial ({described}); ours {ours:.3f}", "ratio", "<= 0.5")


MEASURES: dict[tuple[str, ...], Callable[[], dict[str, Row]]] = {
    ("animator.mae_ratio", "animator.mae_ratio_every_pose"): measure_animator,
}
