"""X2CNet beside what else could read a robot's controls off its picture, and off a person's; on Ada.

Needs Ada's pairs (semblance pairs --character Ada, and --test), from which the rivals learn: a minute on one core.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from training.figures import Row

if TYPE_CHECKING:
    from training.x2c_data import Renders

_WAYS: Final = ("our encoder + ridge", "our encoder + network", "our encoder + decoder")


def measure_x2c() -> dict[str, Row]:
    """The kept network on Ada's test set, rivals that learned from the same pairs in the same run."""
    from addon.core.pair_set import TEST, TRAINING
    from addon.core.rig_profile import find_profile
    from training.x2c_model import read_controls
    from training.x2c_report import MODEL, OURS, best_trivial, measure
    from training.x2c_rivals import TRIVIAL, rival_guesses

    controls = find_profile("ada").control_set
    learned, asked = _renders(TRAINING), _renders(TEST)
    ours = controls.unscaled(read_controls(MODEL, asked.pictures))
    measured = measure({OURS: ours} | rival_guesses(learned, asked, controls), asked.controls, controls)
    mae = {name: errors["all"] for name, errors in measured.items()}
    best = best_trivial(measured)
    listed = ", ".join(f"{name} {mae[name]:.3f}" for name in ("neutral", *TRIVIAL) if name != best)
    way = min(_WAYS, key=mae.__getitem__)
    told = ", ".join(f"{name} {mae[name]:.3f}" for name in _WAYS)
    unit = "X2C-normalised mean error"
    return {
        "x2c.mae": Row(mae[OURS], mae[best], f"{best} ({listed})", unit, "report"),
        "x2c.mae_ratio": Row(mae[OURS] / mae[best], 1.0, best, "ratio", "<= 0.5"),
        "x2c.encoder_mae": Row(mae[way], mae[OURS], f"X2CNet ({told})", f"{unit}, {way}", "report"),
    }


def measure_people() -> dict[str, Row]:
    """Synthetic people to Ada: the extension's way beside X2CNet, which is shown the person instead of the robot."""
    from addon.core.pair_set import TRAINING
    from addon.core.paths import ROOT
    from addon.core.rig_profile import find_profile
    from training.make_expression_data import test_set
    from training.x2c_people import people_measured

    people = test_set("random", ROOT / "out" / "expression")
    mae = {name: errors["all"] for name, errors in
           people_measured(people, _renders(TRAINING), find_profile("ada").control_set).items()}
    ours, rival = mae.pop("our encoder + Ada's meanings"), mae.pop("X2CNet without motion transfer")
    told = ", ".join(f"{name} {error:.3f}" for name, error in mae.items())
    return {"x2c.person_mae": Row(ours, rival, f"X2CNet without motion transfer ({told})",
                                  "X2C-normalised mean error, synthetic people", "report")}


def _renders(purpose: str) -> Renders:
    from training.x2c import PAIRS
    from training.x2c_data import ada_renders
    from training.x2c_model import VIEWS

    return ada_renders(PAIRS[purpose], purpose, VIEWS["small"])


MEASURES: Final[dict[tuple[str, ...], Callable[[], dict[str, Row]]]] = {
    ("x2c.mae", "x2c.mae_ratio", "x2c.encoder_mae"): measure_x2c,
    ("x2c.person_mae",): measure_people,
}
