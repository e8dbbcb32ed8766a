// Plans and writes a site of one page with what the prompt says.

import progress from "lockhouse:host/progress@0.1.0";

import { page, style, title } from "./page.js";

const PORT = 8000;

// What each planned file becomes; the planner names them, the writer writes them.
const FILES = {
  "index.html": { purpose: "The page.", write: page },
  "style.css": { purpose: "Its looks, in light and dark.", write: style },
};

export const lifecycle = {
  describe() {
    return {
      id: "one-page",
      version: "0.1.0",
      summary: "Plans and writes a site of one page with what the prompt says.",
    };
  },

  // A function with a result returns what is right and throws what is wrong.
  validateSettings(json) {
    if (json.trim() !== "{}") throw [{ path: "", message: "this agent has no settings: give {}" }];
  },
};

export const planner = {
  plan(brief) {
    if (brief.prompt.trim() === "") {
      throw { tag: "invalid", val: "Say in a few words what the page is about." };
    }
    return {
      kind: "static",
      summary: `A page: ${title(brief.prompt)}.`,
      files: Object.entries(FILES).map(([path, { purpose }]) => ({ path, purpose })),
      install: [],
      start: `python3 -m http.server ${PORT} --bind 127.0.0.1`,
      port: PORT,
      checks: ["/", "/style.css"].map((path) => ({ tag: "http", val: { path, status: 200 } })),
      notes: "",
    };
  },
};

export const writer = {
  // Everything a step needs is in its arguments: each call starts from a fresh memory.
  write(plan, step, context) {
    const path = plan.files[step]?.path;
    const file = FILES[path];
    if (file === undefined) throw { tag: "invalid", val: `Step ${step} is none of this agent's.` };
    progress.report(step, plan.files.length, `writing ${path}`);
    const content = utf8(file.write(context.prompt));
    return [{ tag: "write", val: { path, content, executable: false } }];
  },
};

// The engine has no TextEncoder.
function utf8(text) {
  const byte = (_, hex) => String.fromCharCode(parseInt(hex, 16));
  const bytes = encodeURIComponent(text).replace(/%(..)/g, byte);
  return Uint8Array.from(bytes, (c) => c.charCodeAt(0));
}
