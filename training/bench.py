"""The benchmark: every figure beside its rival, one table, and out/bench.json.

    python -m training.bench                     all figures
    python -m training.bench tracking blender.k  those whose names begin so
    python -m training.bench --list              only their names

Each room's figures are in `training/bench_<room>.py`, whose `MEASURES` maps a tuple of names to the function that
measures them in one run. A figure that cannot be measured here says why instead of a number.
"""
from __future__ import annotations

import argparse
import importlib
import json
import operator
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from addon.core.files import write_bytes
from addon.core.paths import ROOT

from .figures import Row

ROOMS: Final = ("tracking", "body", "body_pose", "tokens", "expression", "recognisers", "real", "characters",
                "animator", "learning", "transfer", "mouth", "mesh", "x2c", "blender", "live", "live_panel", "robot",
                "body_to_face", "flame", "ship")
OUTPUT: Final = ROOT / "out" / "bench.json"
Measure = Callable[[], Mapping[str, Row]]
_COMPARISONS: Final = {">=": operator.ge, "<=": operator.le, "==": operator.eq}
_HEADER: Final = ("figure", "ours", "rival", "", "unit", "goal", "met")


def main() -> int:
    """Measure what the command line names; 0 unless a name is unknown or a figure could not be measured."""
    parser = argparse.ArgumentParser(prog="training.bench", description="Figures beside their rivals.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures or beginnings of their names")
    parser.add_argument("--list", action="store_true", help="only name the figures")
    args = parser.parse_args()
    measures, absent = collect()
    chosen = choose(measures, args.names)
    for name in args.names:
        if not any(figure.startswith(name) for names in measures for figure in names):
            reasons = "".join(f" ({reason})" for room, reason in absent.items() if name.startswith(room))
            print(f"There is no figure '{name}'{reasons}; --list names them all.", file=sys.stderr)
            return 2
    if args.list:
        print("\n".join(name for names in chosen for name in names))
        return 0
    report = {} if args.names else {room: {"error": reason} for room, reason in absent.items()}
    for names, measure in chosen.items():
        report |= run(names, measure)
    print(table(report))
    write_bytes(OUTPUT, (json.dumps({**_earlier(args.names), **report}, indent=2) + "\n").encode())
    print(f"\nWrote '{OUTPUT.relative_to(ROOT)}'.")
    return int(any("error" in entry for entry in report.values()))


def collect() -> tuple[dict[tuple[str, ...], Measure], dict[str, str]]:
    """All measures by the names they give, and per room whose module cannot be imported the reason."""
    measures: dict[tuple[str, ...], Measure] = {}
    absent: dict[str, str] = {}
    for room in ROOMS:
        try:
            measures |= importlib.import_module(f".bench_{room}", __package__).MEASURES
        except ImportError as error:
            absent[room] = str(error)
    return measures, absent


def choose(measures: dict[tuple[str, ...], Measure], names: list[str]) -> dict[tuple[str, ...], Measure]:
    """The measures that give at least one figure whose name begins with one of `names` (all without names)."""
    if not names:
        return measures
    return {figures: m for figures, m in measures.items() if any(f.startswith(n) for f in figures for n in names)}


def run(names: tuple[str, ...], measure: Measure) -> dict[str, dict[str, Any]]:
    """One measure's entries as out/bench.json keeps them; a failure becomes `{"error": sentence}` for each name."""
    print(f"measuring {', '.join(names)} ...", file=sys.stderr, flush=True)
    start_s = time.perf_counter()
    try:
        rows = measure()
        missing = set(names) - set(rows)
        if missing:
            raise RuntimeError(f"the measure gave no {', '.join(sorted(missing))}")
    # Whatever goes wrong in one figure, the others still run.
    except Exception as error:
        reason = str(error) or type(error).__name__
        return {name: {"error": reason, "commit": _commit()} for name in names}
    seconds = round(time.perf_counter() - start_s, 2)
    return {name: entry(rows[name], seconds) for name in names}


def entry(row: Row, seconds: float) -> dict[str, Any]:
    """A row with where and how long it was measured."""
    return {
        "ours": row.ours, "rival": row.rival, "rival_name": row.rival_name, "unit": row.unit, "goal": row.goal,
        "commit": _commit(), "seconds": seconds,
    }


def met(value: float, goal: str) -> bool | None:
    """Whether `value` reaches a goal such as ">= 0.55"; None for a figure that is only reported."""
    sign, _, number = goal.partition(" ")
    return bool(_COMPARISONS[sign](value, float(number))) if sign in _COMPARISONS else None


def table(report: dict[str, dict[str, Any]]) -> str:
    """The entries as aligned columns; a figure without a number says why."""
    rows = [_cells(name, given) for name, given in report.items() if "error" not in given]
    widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
    lines = []
    for row in [_HEADER, tuple("─" * width for width in widths), *rows]:
        # Numbers stand right, words left.
        cells = [f"{c:>{w}}" if i in (1, 2) else f"{c:<{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells))
    lines += [f"{name}  not measured: {given['error']}" for name, given in report.items() if "error" in given]
    return "\n".join(line.rstrip() for line in lines)


def _cells(name: str, given: dict[str, Any]) -> tuple[str, ...]:
    rival = "–" if given["rival"] is None else _number(given["rival"])
    reached = {True: "yes", False: "NO", None: ""}[met(given["ours"], given["goal"])]
    return (name, _number(given["ours"]), rival, given["rival_name"], given["unit"], given["goal"], reached)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _earlier(names: list[str]) -> dict[str, dict[str, Any]]:
    """What out/bench.json has already, when only some figures are measured again."""
    if not names or not OUTPUT.is_file():
        return {}
    try:
        earlier = json.loads(OUTPUT.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return earlier if isinstance(earlier, dict) else {}


def _commit() -> str:
    """The checkout's commit, with "+" when files differ from it; "unknown" without git."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude", "*"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
