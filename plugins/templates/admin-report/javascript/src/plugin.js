// Counts the commands of each project.

import settings from "lockhouse:host/settings@0.1.0";

// What the setting `most` is where the operator gives none.
const MOST = 20;

export const lifecycle = {
  describe() {
    return {
      id: "my-plugin",
      version: "0.1.0",
      summary: "Counts the commands of each project.",
    };
  },

  // A function with a result returns what is right and throws what is wrong.
  validateSettings(json) {
    const found = problem(json);
    if (found) throw [found];
  },
};

export const report = {
  describe() {
    return {
      title: "Commands by project",
      summary: "Which projects run how many commands.",
      parameters: [
        { name: "since", description: "From when on, such as 7d or 12h.", default: "30d" },
      ],
    };
  },

  // What the host should look up; it hands the rows to `render`.
  queries(parameters) {
    const { since } = JSON.parse(parameters);
    return [
      {
        name: "activity",
        question: "activity",
        parameters: JSON.stringify({ since, limit: 2000 }),
      },
    ];
  },

  render(parameters, dataset) {
    // The busiest first.
    const all = [...commands(dataset)].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    const projects = all.slice(0, granted());
    return {
      title: "Commands by project",
      sections: [{ title: "Projects", blocks: blocks(projects, all.length) }],
    };
  },
};

// How many commands each project ran.
function commands(dataset) {
  const counts = new Map();
  for (const { columns, rows } of dataset.filter((table) => table.name === "activity")) {
    const [project, count] = [columns.indexOf("project"), columns.indexOf("commands")];
    for (const row of rows) {
      const name = row[project].val;
      // A 64-bit integer is a BigInt.
      counts.set(name, (counts.get(name) ?? 0) + Number(row[count].val));
    }
  }
  return counts;
}

function blocks(projects, all) {
  if (projects.length === 0) return [{ tag: "text", val: "No command was run in this time." }];
  const shown = { tag: "text", val: `${projects.length} of ${all} projects` };
  return [
    { tag: "metric", val: { name: "Shown", value: shown, unit: "" } },
    {
      tag: "chart",
      val: {
        name: "Commands",
        shape: "bar",
        labels: projects.map(([name]) => name),
        // As many values as there are labels.
        series: [{ name: "commands", values: projects.map(([, count]) => count) }],
      },
    },
    {
      tag: "table",
      val: {
        name: "By project",
        columns: ["project", "commands"],
        rows: projects.map(([name, count]) => [
          { tag: "text", val: name },
          // The engine takes a 64-bit integer as a plain number.
          { tag: "integer", val: count },
        ]),
        truncated: projects.length < all,
      },
    },
  ];
}

function granted() {
  const json = settings.get();
  const found = problem(json);
  if (found) throw { tag: "invalid", val: found.message };
  return JSON.parse(json).most ?? MOST;
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
  const unknown = Object.keys(settings).find((key) => key !== "most");
  if (unknown !== undefined) return { path: `/${unknown}`, message: "is no setting; known: most" };
  const most = "most" in settings ? settings.most : MOST;
  if (Number.isInteger(most) && most >= 1 && most <= 100) return undefined;
  return { path: "/most", message: "must be a whole number from 1 to 100" };
}
