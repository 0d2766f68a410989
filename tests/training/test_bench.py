from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from training import bench
from training.figures import Row

ROW = Row(0.61, 0.23, "MediaPipe", "r", ">= 0.55")


def _works():
    return {"room.a": ROW, "room.b": Row(12345.6, None, "", "frames", "report")}


def _fails():
    raise RuntimeError("the yardstick is not installed")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the command line over two made-up measures; gives the exit code, what was printed and the report."""
    measures = {("room.a", "room.b"): _works, ("other.c",): _fails}
    monkeypatch.setattr(bench, "collect", lambda: (measures, {"absent": "No module named 'torch'"}))
    monkeypatch.setattr(bench, "OUTPUT", tmp_path / "out" / "bench.json")
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    monkeypatch.setattr(bench, "_commit", lambda: "abc1234")

    def call(*names: str):
        monkeypatch.setattr(sys, "argv", ["bench", *names])
        code = bench.main()
        report = json.loads(bench.OUTPUT.read_text()) if bench.OUTPUT.is_file() else None
        return code, capsys.readouterr(), report

    return call


def test_a_figure_is_written_as_the_design_says(run):
    code, shown, report = run("room")
    assert code == 0
    assert report["room.a"].pop("seconds") >= 0
    assert report["room.a"] == {
        "ours": 0.61, "rival": 0.23, "rival_name": "MediaPipe", "unit": "r", "goal": ">= 0.55", "commit": "abc1234",
    }
    assert "room.a" in shown.out and "MediaPipe" in shown.out and "yes" in shown.out


def test_what_cannot_run_says_why_and_the_others_run(run):
    code, shown, report = run()
    assert code == 1
    assert "the yardstick is not installed" in shown.out and report["other.c"]["error"]
    assert "No module named 'torch'" in shown.out
    assert report["room.b"]["rival"] is None


def test_measuring_one_again_keeps_the_others(run):
    run("other")
    _, _, report = run("room.a")
    assert set(report) == {"room.a", "room.b", "other.c"}


def test_unknown_names(run):
    assert run("nothing")[0] == 2
    code, shown, _ = run("absent.x")
    assert code == 2 and "No module named 'torch'" in shown.err


@pytest.mark.parametrize(
    ("value", "goal", "expected"),
    [
        (0.55, ">= 0.55", True), (0.5, ">= 0.55", False), (0.1, "<= 0.1", True), (0.2, "<= 0.1", False),
        (1, "report", None),
    ],
)
def test_met(value, goal, expected):
    assert bench.met(value, goal) is expected


def test_table_columns_line_up():
    text = bench.table({name: bench.entry(row, 1.0) for name, row in _works().items()})
    header, rule, *rows = text.splitlines()
    assert {line.index(">= 0.55") for line in rows[:1]} == {header.index("goal")}
    assert len(rows) == 2 and set(rule) == {"─", " "}


def test_every_figure_has_one_measure():
    measures, _ = bench.collect()
    names = [name for figures in measures for name in figures]
    assert names and len(names) == len(set(names))
    assert all("." in name for name in names)


def test_spaces_are_measured_beside_mediapipe(monkeypatch):
    """On made-up spaces: an embedding that is the truth, coefficients that name the person, MediaPipe that guesses."""
    pytest.importorskip("cv2")
    pytest.importorskip("onnxruntime")
    from training import bench_expression, drawn_faces, triplets
    from training.performers import random_mix

    random = np.random.default_rng(8)
    who = np.repeat(np.arange(60), 10)
    truth = np.stack([random_mix(random) for _ in who])
    guesses = {name: random.normal(size=(len(who), 8)) for name in ("MediaPipe blendshapes", "landmarks", "HOG")}
    named = random.normal(size=(60, 8))[who] + random.normal(size=(len(who), 8)) * 0.1
    table = {"truth": truth, "person": who, "embedding": triplets.perceived(truth), "coefficients": named, **guesses}
    monkeypatch.setattr(bench_expression, "_people", lambda: [table, table])
    monkeypatch.setattr(bench_expression, "_seen", lambda *_, **__: {k: v[:200] for k, v in table.items()})
    monkeypatch.setattr(drawn_faces, "CHARACTERS", ("Mora", "Uno"))
    monkeypatch.setattr(drawn_faces, "test_set", lambda *_: {"known": np.arange(200)[:, None] + np.zeros(54) > 20})
    monkeypatch.setattr(triplets, "character_set", lambda *_: {})
    monkeypatch.setattr(bench_expression, "_TRIPLETS", 900)
    monkeypatch.setattr(bench_expression, "_CHARACTER_TRIPLETS", 180)
    rows = bench_expression.measure_people() | bench_expression.measure_characters() | bench_expression.measure_mora()
    assert {name: row.ours for name, row in rows.items() if "triplets" in name} == {
        "expression.triplets_people": 1, "expression.triplets_characters": 1, "expression.triplets_mora": 1}
    assert "Uno 1" in rows["expression.triplets_characters"].rival_name
    assert rows["expression.triplets_people"].rival == pytest.approx(1 / 3, abs=0.07)
    probe = rows["expression.identity_probe"]
    assert probe.ours < 3 and probe.rival < 3 and "coefficients 60" in probe.rival_name
    assert [row.goal for row in rows.values()] == [">= 0.90", "<= 1.5", ">= 0.85", ">= 0.85"]
    assert "chance 0.333" in rows["expression.triplets_people"].rival_name
