// Writes each planned file as a commented beginning.

import settings from "lockhouse:host/settings@0.1.0";

// What the setting `header` is where the operator gives none.
const HEADER = "";

export const lifecycle = {
  describe() {
    return {
      id: "my-plugin",
      version: "0.1.0",
      summary: "Writes each planned file as a commented beginning.",
    };
  },

  // A function with a result returns what is right and throws what is wrong.
  validateSettings(json) {
    const found = problem(json);
    if (found) throw [found];
  },
};

export const writer = {
  write(plan, step, context) {
    const header = granted();
    const file = plan.files[step];
    if (file === undefined) throw { tag: "invalid", val: `The plan has no step ${step}.` };
    // A user's own work is not overwritten.
    if (context.existing.some((existing) => existing.path === file.path)) return [];
    const mark = comment(file.path);
    const lines = [header, file.purpose].filter((line) => line !== "");
    const text = lines.map((line) => `${mark} ${line}\n`).join("");
    return [{ tag: "write", val: { path: file.path, content: utf8(text), executable: false } }];
  },
};

// What begins a comment in a file of this name.
function comment(path) {
  const ending = path.split(".").pop();
  return ["js", "mjs", "ts", "java", "go", "rs", "php"].includes(ending) ? "//" : "#";
}

function granted() {
  const json = settings.get();
  const found = problem(json);
  if (found) throw { tag: "invalid", val: found.message };
  return JSON.parse(json).header ?? HEADER;
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
  const unknown = Object.keys(settings).find((key) => key !== "header");
  if (unknown !== undefined) return { path: `/${unknown}`, message: "is no setting; known: header" };
  const header = "header" in settings ? settings.header : HEADER;
  if (typeof header === "string" && !header.includes("\n")) return undefined;
  return { path: "/header", message: "must be one line of text" };
}

// The engine has no TextEncoder.
function utf8(text) {
  const byte = (_, hex) => String.fromCharCode(parseInt(hex, 16));
  const bytes = encodeURIComponent(text).replace(/%(..)/g, byte);
  return Uint8Array.from(bytes, (c) => c.charCodeAt(0));
}
