"""A transfer is learned once for two characters, and again when one of them has changed."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from addon.characters import kept_transfer as module
from addon.characters.kept_transfer import kept_transfer
from addon.characters.transfer_pairs import decoded_pairs
from addon.core.rig_profile import RigProfile, find_profile, parse_profile, profile_text


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Whom something was learned for; from few pairs, because it is not about how well."""
    names: list[str] = []

    def few(source: RigProfile, target: RigProfile) -> object:
        names.append(f"{source.name} to {target.name}")
        return decoded_pairs(source, target, count=60)

    monkeypatch.setattr(module, "decoded_pairs", few)
    monkeypatch.setenv("SEMBLANCE_USER", str(tmp_path / "user"))
    return names


def test_it_is_learned_once_and_again_when_a_character_has_changed(learned: list[str], tmp_path: Path) -> None:
    pip, gus = find_profile("Pip"), find_profile("Gus")
    first = kept_transfer(pip, gus)
    sent = parse_profile(profile_text(gus, gus.path.parent), gus.path)  # as another process gets it
    again = kept_transfer(pip, sent)
    maximum = pip.control_set.maximum
    assert learned == ["Pip to Gus"] and np.allclose(first.network(maximum), again.network(maximum), atol=1e-6)
    softer = tuple(replace(control, gain=0.5) for control in gus.control_set.controls)
    kept_transfer(pip, replace(gus, control_set=replace(gus.control_set, controls=softer)))
    assert len(learned) == 2 and len(list((tmp_path / "user/transfers").iterdir())) == 1, "the former was left"


def test_what_is_damaged_or_cannot_be_kept_is_learned_again(learned: list[str], tmp_path: Path) -> None:
    pip, gus = find_profile("Pip"), find_profile("Gus")
    kept_transfer(pip, gus)
    (kept,) = (tmp_path / "user/transfers").iterdir()
    kept.write_bytes(b"broken")
    kept_transfer(pip, gus)
    assert len(learned) == 2 and kept.stat().st_size > 1000
    kept.unlink()
    kept.parent.rmdir()
    kept.parent.write_text("no folder")
    kept_transfer(pip, gus)
    assert len(learned) == 3
