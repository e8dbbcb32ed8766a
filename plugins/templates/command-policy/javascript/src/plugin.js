// Refuses programs that the operator names.

import settings from "lockhouse:host/settings@0.1.0";

// What the setting `refused` is where the operator gives none.
const REFUSED = ["sudo", "su"];

export const lifecycle = {
  describe() {
    return {
      id: "my-plugin",
      version: "0.1.0",
      summary: "Refuses programs that the operator names.",
    };
  },

  // A function with a result returns what is right and throws what is wrong.
  validateSettings(json) {
    const found = problem(json);
    if (found) throw [found];
  },
};

export const commandPolicy = {
  evaluate(request) {
    const refused = granted();
    const programs = request.argv ? request.argv.slice(0, 1) : firstWords(request.command);
    const found = programs.map(base).find((program) => refused.includes(program));
    return found === undefined ? allow() : deny(found);
  },

  explain() {
    return `These programs are refused: ${granted().join(", ")}.`;
  },
};

// An error is no verdict, and without a verdict the host refuses the command.
function granted() {
  const json = settings.get();
  const found = problem(json);
  if (found) throw { tag: "invalid", val: found.message };
  return JSON.parse(json).refused ?? REFUSED;
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
  const unknown = Object.keys(settings).find((key) => key !== "refused");
  if (unknown !== undefined) return { path: `/${unknown}`, message: "is no setting; known: refused" };
  const names = "refused" in settings ? settings.refused : REFUSED;
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return undefined;
  return { path: "/refused", message: "must be a list of program names" };
}

// The first word of each part of a command line. A real shell does more; what it does is
// judged by the policy that is built in, and deny wins.
function firstWords(line) {
  return line
    .split(/[;|&\n]/)
    .map((part) => part.trim().split(/\s+/)[0])
    .filter((word) => word !== "");
}

function base(program) {
  return program.split("/").pop();
}

function allow() {
  return {
    decision: "allow",
    risk: "safe",
    rule: "ordinary",
    reason: "It starts no program that is refused.",
    sanitised: null,
    advice: null,
  };
}

function deny(program) {
  return {
    decision: "deny",
    risk: "blocked",
    rule: "refused-program",
    reason: `\`${program}\` may not run here.`,
    sanitised: null,
    advice: "Do it without that program, or ask the operator.",
  };
}
