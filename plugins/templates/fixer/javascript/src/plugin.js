// Adds Python packages that a failed command missed.

import settings from "lockhouse:host/settings@0.1.0";

// What the setting `requirements` is where the operator gives none.
const REQUIREMENTS = "requirements.txt";

export const lifecycle = {
  describe() {
    return {
      id: "my-plugin",
      version: "0.1.0",
      summary: "Adds Python packages that a failed command missed.",
    };
  },

  // A function with a result returns what is right and throws what is wrong.
  validateSettings(json) {
    const found = problem(json);
    if (found) throw [found];
  },
};

export const fixer = {
  // No edits where it knows no remedy: somebody else may.
  fix(failure, context) {
    const path = granted();
    const missing = failure.output.match(/No module named '([^'.]+)/);
    if (missing === null) return [];
    const content = context.existing.find((file) => file.path === path)?.content ?? "";
    // Listed and still missing: the remedy is another one.
    if (content.split("\n").some((line) => line.trim() === missing[1])) return [];
    const edited = utf8(`${content}${missing[1]}\n`);
    return [{ tag: "write", val: { path, content: edited, executable: false } }];
  },
};

function granted() {
  const json = settings.get();
  const found = problem(json);
  if (found) throw { tag: "invalid", val: found.message };
  return JSON.parse(json).requirements ?? REQUIREMENTS;
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
  const unknown = Object.keys(settings).find((key) => key !== "requirements");
  if (unknown !== undefined) return { path: `/${unknown}`, message: "is no setting; known: requirements" };
  const requirements = "requirements" in settings ? settings.requirements : REQUIREMENTS;
  if (typeof requirements === "string" && requirements !== "") return undefined;
  return { path: "/requirements", message: "must be the path of a file" };
}

// The engine has no TextEncoder.
function utf8(text) {
  const byte = (_, hex) => String.fromCharCode(parseInt(hex, 16));
  const bytes = encodeURIComponent(text).replace(/%(..)/g, byte);
  return Uint8Array.from(bytes, (c) => c.charCodeAt(0));
}
