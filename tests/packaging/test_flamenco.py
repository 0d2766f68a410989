"""The job type for Flamenco in a JavaScript engine, against what Flamenco offers to such scripts; its commands run."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from addon.core.take import write_take

from ..conftest import ROOT
from ..core.making import a_take

quickjs = pytest.importorskip("quickjs")
SCRIPT = ROOT / "packaging" / "flamenco" / "semblance_batch.js"
# What Flamenco's own scripts find: author.Task, author.Command, and the job with its settings.
FLAMENCO = """
const author = {
    Task: (name, type) => ({name, type, commands: [], needs: [],
        addCommand(command) { this.commands.push(command); }, addDependency(task) { this.needs.push(task.name); }}),
    Command: (name, parameters) => ({name, parameters}),
};
const job = {settings: SETTINGS, tasks: [], addTask(task) { this.tasks.push(task); }};
"""


def compiled(**settings: Any) -> list[dict[str, Any]]:
    """The tasks of a job; settings that have one begin with their default."""
    context = quickjs.Context()
    context.eval(SCRIPT.read_text(encoding="utf-8"))
    defaults = {each["key"]: each["default"] for each in job_type()["settings"] if "default" in each}
    context.eval(FLAMENCO.replace("SETTINGS", json.dumps(defaults | settings)))
    context.eval("compileJob(job)")
    return json.loads(context.eval("JSON.stringify(job.tasks)"))


def job_type() -> dict[str, Any]:
    context = quickjs.Context()
    context.eval(SCRIPT.read_text(encoding="utf-8"))
    return json.loads(context.eval("JSON.stringify(JOB_TYPE)"))


def test_settings_are_of_kinds_that_flamenco_knows() -> None:
    assert job_type()["label"]
    for setting in job_type()["settings"]:
        assert setting["type"] in ("string", "int32", "float", "bool")
        assert setting.get("subtype") in (None, "file_path", "dir_path", "hashed_file_path", "command_line_arguments")
        assert setting.get("visible", "visible") in ("visible", "hidden", "submission", "web")


def test_each_item_is_in_one_task_and_the_summary_comes_last() -> None:
    *tasks, summary = compiled(manifest="m.csv", items=7, out="o", script="s.py", items_per_task=3)
    assert [task["commands"][0]["parameters"]["args"][-3] for task in tasks] == ["1-3", "4-6", "7-7"]
    assert summary["needs"] == [task["name"] for task in tasks]
    assert {task["type"] for task in (*tasks, summary)} == {"blender"}
    assert {command["name"] for task in (*tasks, summary) for command in task["commands"]} == {"exec"}
    for wrong in ({"items": 0}, {"items": 1, "items_per_task": 0}):
        with pytest.raises(quickjs.JSException, match="1 or more"):
            compiled(manifest="m.csv", out="o", script="s.py", **wrong)


def test_its_commands_do_the_work(tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    write_take(a_take(8), tmp_path / "a.take")
    (tmp_path / "m.csv").write_text("take,name\na.take,\na.take,b\n")
    *tasks, summary = compiled(
        manifest=str(tmp_path / "m.csv"), items=2, out=str(tmp_path / "out"), script=str(ROOT / "render_batch.py"),
        items_per_task=2,
    )
    for task in (*tasks, summary):
        words = task["commands"][0]["parameters"]["args"]
        # Here Blender is a module: the script is started by Python, with what stands behind the two dashes.
        command = [sys.executable, words[words.index("-P") + 1], *words[words.index("--") + 1 :]]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert ended.returncode == 0, ended.stderr
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [(row["name"], row["status"]) for row in told["items"]] == [("a", "done"), ("b", "done")]
