"""What each part of the expression teacher is worth: the same training without it, at a small and equal budget.

    python -m training.ablations [--data out/expression] [--epochs 1] [--size small]

After FreeAvatar's section 4.5. Every variant sees as many batches from the same faces with the same seed; what the
pre-training cost is not counted. Started again it goes on. Prints a table in markdown and writes it.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from addon.core.files import write_bytes
from training.evaluate import correlations
from training.expression_data import Faces, faces_of, joined
from training.make_expression_data import test_set
from training.pretrain_faces import checkpoint_path
from training.stage_runs import Plan, add_plan_arguments, chosen_plan, read_checkpoint
from training.teacher_model import TeacherNetwork, answers
from training.train_similarity import Lesson, new_teacher, read_kinds, train_teacher
from training.triplets import both_ways, common, draw_triplets

LESSONS: Final = {
    "full": Lesson(),
    "without pre-training": Lesson(pretrained=False),
    "without triplets": Lesson(triplets=False),
    "landmarks only": Lesson(crop=False),
    "crop only": Lesson(landmarks=False),
}
PLANS: Final = {"small": Plan(epochs=1, batch=128, rate=1e-3), "large": Plan(epochs=15, batch=512, rate=5e-4)}
_TRIPLETS, _CHARACTER_TRIPLETS, _TRIPLET_SEED = 3000, 900, 90_002


@dataclass(frozen=True)
class Trial:
    """Triplets of unseen people, alone or with one of our characters."""

    people: str
    character: str | None
    triplets: np.ndarray
    """int [T, (anchor, positive, negative)] of the people's faces and, after them, the character's."""


def trials_of(people: dict[str, Faces], drawn: dict[str, Faces]) -> list[Trial]:
    """Triplets of each set of people alone and with each character, as far as it shows coefficients."""
    trials = []
    for title, faces in people.items():
        rows = draw_triplets(faces.coefficients, faces.person, _TRIPLETS, _TRIPLET_SEED)
        trials.append(Trial(title, None, rows))
        for name, character in drawn.items():
            explained = np.flatnonzero(character.known.any(1))
            both = joined([faces, character[explained]])
            places = np.concatenate([np.arange(len(faces)), len(faces) + explained])
            rows = draw_triplets(common(both.coefficients, both.known), both.person, _CHARACTER_TRIPLETS,
                                 _TRIPLET_SEED, np.arange(len(both)) >= len(faces))
            trials.append(Trial(title, name, places[rows]))
    return trials


def measure(
    network: TeacherNetwork, lesson: Lesson, people: dict[str, Faces], drawn: dict[str, Faces], trials: list[Trial]
) -> dict[str, float]:
    """Mean r on each set of people, and the share of triplets that the embedding orders rightly both ways."""
    found, places = {}, {}
    for name, faces in (people | drawn).items():
        shown = lesson.shown(faces)
        values, places[name] = answers(network, shown.crops, shown.landmarks)
        if name in people:
            found[f"{name}, mean r"] = float(np.nanmean(correlations(values.clip(0, 1), faces.coefficients)))
    right: dict[str, list[float]] = {"people": [], "characters": []}
    for trial in trials:
        names = [trial.people] if trial.character is None else [trial.people, trial.character]
        space = np.concatenate([places[name] for name in names])
        right["people" if trial.character is None else "characters"].append(both_ways(space, trial.triplets))
    return found | {f"triplets, {who}": float(np.mean(shares)) for who, shares in right.items() if shares}


def ablate(
    kinds: dict[str, Faces], plan: Plan, data: Path, size: str
) -> Iterator[tuple[str, TeacherNetwork, float]]:
    """Each variant's name and network, once it is trained, and the processor's minutes that it took."""
    steps = plan.steps(sum(map(len, kinds.values())))
    for name, lesson in LESSONS.items():
        # Without its crop a face drawn straight at the crop's size shows nothing.
        shown = kinds if lesson.crop else {kind: faces for kind, faces in kinds.items() if kind != "crops"}
        network = new_teacher(size, kinds, checkpoint_path(data, size) if lesson.pretrained else None, plan.seed)
        path = data / f"ablation_{name.replace(' ', '_')}_{size}.pt"
        if train_teacher(network, shown, steps, plan, path, {"network": name, "size": size}, lesson) == 0:
            yield name, network, read_checkpoint(path)["seconds"] / 60


def table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown; the figures of the variants [name → figure → value]."""
    columns = list(next(iter(rows.values())))
    lines = [["", *columns], ["---"] + ["---:"] * len(columns)]
    lines += [[name, *(f"{figures[column]:.3f}" if "minutes" not in column else f"{figures[column]:.1f}"
                       for column in columns)] for name, figures in rows.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    """Train and measure every variant."""
    from training.drawn_faces import CHARACTERS
    from training.drawn_faces import test_set as drawn_set

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_plan_arguments(parser)
    arguments = parser.parse_args()
    plan, data = chosen_plan(arguments, PLANS), arguments.data
    kinds = read_kinds(data)
    people = {kind: faces_of(test_set(kind, data)) for kind in ("random", "performance")}
    drawn = {name: faces_of(drawn_set(name, data)) for name in CHARACTERS}
    trials, rows = trials_of(people, drawn), {}
    for name, network, minutes in ablate(kinds, plan, data, arguments.size):
        rows[name] = measure(network, LESSONS[name], people, drawn, trials) | {"core minutes": minutes}
        print(name, rows[name], flush=True)
    if len(rows) < len(LESSONS):
        print(f"{len(LESSONS) - len(rows)} of {len(LESSONS)} variants have steps left; start it again")
        return
    faces = ", ".join(f"{len(some)} {kind}" for kind, some in kinds.items())
    text = (f"{plan.epochs:g} epochs in batches of {plan.batch} from {faces} faces, seed {plan.seed}, size "
            f"{arguments.size}; a triplet's chance is 0.333\n\n{table(rows)}")
    write_bytes(data / "ablations.md", text.encode())
    print(text)


if __name__ == "__main__":
    main()
