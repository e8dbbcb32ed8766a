// Refuses git pushes to protected branches, and forced ones.

import settings from "lockhouse:host/settings@0.1.0";

import { commands, lookAt } from "./push.js";
import { problems, protectedBranches } from "./settings.js";

const REVIEW = "Push a branch of your own and ask for a review.";

// The worst last.
const FINDINGS = [
  { decision: "allow", risk: "safe", rule: "no-push", reason: "Pushes nothing." },
  { decision: "allow", risk: "moderate", rule: "push", reason: "Pushes to a branch that is not protected." },
  { decision: "deny", risk: "dangerous", rule: "force-push", reason: "A forced push can destroy what others have pushed.", advice: REVIEW },
  { decision: "deny", risk: "blocked", rule: "protected-branch", reason: "It pushes to a protected branch.", advice: REVIEW },
];

export const lifecycle = {
  describe() {
    return {
      id: "protected-branches",
      version: "0.1.0",
      summary: "Refuses git pushes to protected branches, and forced ones.",
    };
  },

  // A function with a result returns what is right and throws what is wrong.
  validateSettings(json) {
    const found = problems(json);
    if (found.length > 0) throw found;
  },
};

export const commandPolicy = {
  evaluate(request) {
    const branches = granted();
    const parts = request.argv ? [request.argv] : commands(request.command);
    // The worst of its parts decides on the whole line.
    const found = parts.map((words) => FINDINGS.findIndex((f) => f.rule === lookAt(words, branches)));
    return { sanitised: null, advice: null, ...FINDINGS[Math.max(0, ...found)] };
  },

  explain() {
    const branches = granted().join(", ") || "no branch at all";
    return `Never push with force. Never push to ${branches}; push a branch and ask for a review.`;
  },
};

// An error is no verdict, and without a verdict the host refuses the command.
function granted() {
  const json = settings.get();
  const found = problems(json);
  if (found.length > 0) {
    throw { tag: "invalid", val: found.map(({ path, message }) => `${path}: ${message}`).join("; ") };
  }
  return protectedBranches(json);
}
