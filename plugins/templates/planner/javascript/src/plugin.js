// Plans a script of one file with its test.

import settings from "lockhouse:host/settings@0.1.0";

// What the setting `entry` is where the operator gives none.
const ENTRY = "main.py";

export const lifecycle = {
  describe() {
    return {
      id: "my-plugin",
      version: "0.1.0",
      summary: "Plans a script of one file with its test.",
    };
  },

  // A function with a result returns what is right and throws what is wrong.
  validateSettings(json) {
    const found = problem(json);
    if (found) throw [found];
  },
};

export const planner = {
  plan(brief) {
    const entry = granted();
    const wish = brief.prompt.trim();
    // Shown to whoever asked.
    if (wish === "") throw { tag: "invalid", val: "Say in a few words what the script should do." };
    return {
      kind: "python",
      summary: `A Python script: ${wish}.`,
      files: [
        { path: entry, purpose: `The script: ${wish}.` },
        { path: `test_${entry}`, purpose: "Tests of the script." },
      ],
      install: [],
      start: null,
      port: null,
      checks: [{ tag: "command", val: "python3 -m unittest" }],
      notes: "",
    };
  },
};

function granted() {
  const json = settings.get();
  const found = problem(json);
  if (found) throw { tag: "invalid", val: found.message };
  return JSON.parse(json).entry ?? ENTRY;
}

// What is wrong with the settings, and where; nothing where they are right.
function problem(json) {
  let settings = null;
  try {
    settings = JSON.parse(json);
  } catch {
    // Told below: it is no object.
  }
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    return { path: "", message: "must be one JSON object" };
  }
  const unknown = Object.keys(settings).find((key) => key !== "entry");
  if (unknown !== undefined) return { path: `/${unknown}`, message: "is no setting; known: entry" };
  const entry = "entry" in settings ? settings.entry : ENTRY;
  if (typeof entry === "string" && entry.endsWith(".py") && !entry.includes("/")) return undefined;
  return { path: "/entry", message: "must be the name of a Python file" };
}
