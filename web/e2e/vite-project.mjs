// Writes a small Vite project into a directory: for npm to install, or with Vite and what it needs copied
// from web/node_modules.
//
//   node e2e/vite-project.mjs DIRECTORY [copied]
import { cp, lstat, lchown, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const [directory, how] = process.argv.slice(2);
const modules = join(dirname(import.meta.dirname), "node_modules");
const require = createRequire(join(modules, "x.js"));

/** The package and all that it depends on, where it is installed. */
async function closure(name, found = new Set()) {
  const manifest = join(modules, name, "package.json");
  if (found.has(name) || !(await stat(manifest).catch(() => null))) return found;
  found.add(name);
  const { dependencies = {}, optionalDependencies = {} } = require(manifest);
  for (const next of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) await closure(next, found);
  return found;
}

const FILES = {
  "package.json": `{ "name": "live", "private": true, "type": "module", "devDependencies": { "vite": "${require("vite/package.json").version}" } }\n`,
  "index.html": `<!doctype html>
<title>Live</title>
<h1 id="app"></h1>
<script type="module" src="/main.js"></script>\n`,
  "main.js": `import { text } from "./text.js";

const show = (text) => (document.querySelector("#app").textContent = text);
show(text);
import.meta.hot.accept("./text.js", (next) => show(next.text));\n`,
  "text.js": `export const text = "before";\n`,
};

for (const name of how === "copied" ? await closure("vite") : []) {
  await mkdir(dirname(join(directory, "node_modules", name)), { recursive: true });
  await cp(join(modules, name), join(directory, "node_modules", name), { recursive: true, force: true });
}
for (const [name, text] of Object.entries(FILES)) await writeFile(join(directory, name), text);

/** All belongs to whom the directory belongs to: the runtime's user. */
async function give(path, { uid, gid }) {
  await lchown(path, uid, gid);
  if (!(await lstat(path)).isDirectory()) return;
  for (const name of await readdir(path)) await give(join(path, name), { uid, gid });
}
await give(directory, await stat(directory));
