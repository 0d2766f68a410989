// SPDX-License-Identifier: GPL-3.0-or-later
//
// A job type for Flamenco, Blender's render farm: a manifest of videos becomes keyed scenes, some items to a task.
// Copy this file into the folder `scripts` beside flamenco-manager; docs/batch.md tells the rest.

const JOB_TYPE = {
    label: "Semblance batch",
    description: "Track the videos of a manifest and key them on characters, a scene for each",
    settings: [
        { key: "manifest", type: "string", subtype: "file_path", required: true,
          description: "CSV or JSON with a line for each video, on storage that all workers see" },
        { key: "items", type: "int32", required: true,
          description: "How many items the manifest has: semblance batch --manifest FILE --check tells" },
        { key: "out", type: "string", subtype: "dir_path", required: true,
          description: "Folder that gets a folder for each item and the summary" },
        { key: "script", type: "string", subtype: "file_path", required: true,
          description: "A copy of render_batch.py that all workers see; its code is the extension in their Blender" },
        { key: "items_per_task", type: "int32", default: 1,
          description: "A task that fails or is lost is begun again as a whole, but skips what it had finished" },
        { key: "blender", type: "string", default: "{blender}", visible: "hidden" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    if (settings.items < 1 || settings.items_per_task < 1) {
        throw new Error("items and items_per_task must be 1 or more");
    }
    const summary = author.Task("summary", "blender");
    for (let first = 1; first <= settings.items; first += settings.items_per_task) {
        const last = Math.min(first + settings.items_per_task - 1, settings.items);
        const task = author.Task(`items ${first}-${last}`, "blender");
        // One process of Blender is the task; Flamenco decides how many of them a computer runs.
        task.addCommand(batch(settings, ["--only", `${first}-${last}`, "--jobs", "1"]));
        job.addTask(task);
        summary.addDependency(task);
    }
    summary.addCommand(batch(settings, ["--summary"]));
    job.addTask(summary);
}

// The batch in Blender without its window, with `more` arguments.
function batch(settings, more) {
    return author.Command("exec", {
        exe: settings.blender,
        args: [
            "-b", "--python-exit-code", "1", "-P", settings.script, "--",
            "--manifest", settings.manifest, "--out", settings.out,
        ].concat(more),
    });
}
