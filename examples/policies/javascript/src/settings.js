// The operator's settings: which branches are protected.

const DEFAULT = ["main"];

export function protectedBranches(json) {
  return JSON.parse(json).protected ?? DEFAULT;
}

// Everything that is wrong with the settings, each with where it stands.
export function problems(json) {
  const settings = parse(json);
  if (!isObject(settings)) return [{ path: "", message: "must be one JSON object" }];
  const found = Object.keys(settings)
    .filter((key) => key !== "protected")
    .map((key) => ({ path: `/${key}`, message: "is no setting; known: protected" }));
  const names = "protected" in settings ? settings.protected : DEFAULT;
  if (!Array.isArray(names) || names.some((name) => typeof name !== "string")) {
    found.push({ path: "/protected", message: "must be a list of branch names" });
  }
  return found;
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
