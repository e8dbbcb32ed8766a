// What the IDE shows of a runtime and of operations, in a real browser against a real host: edits stay, a limit is
// changed while it runs, a refused connection is seen and then allowed, a link is made and revoked, every
// report is written, and a command is judged.
//
// LOCKHOUSE_URL   the sign-in URL that the server printed (required)
// SCREENSHOTS     a directory for pictures
// EVERY_LOOK      takes pictures of every place besides, wide and narrow, light and dark
import assert from "node:assert/strict";
import { join } from "node:path";
import { openBrowser, photographer } from "./browser.mjs";

const signInUrl = new URL(process.env.LOCKHOUSE_URL);
const token = signInUrl.searchParams.get("token");
const PROJECT = "panels";

/** Asks the host as a program would. */
async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json" };
  const answer = await fetch(new URL(`/api/v1/${path}`, signInUrl), { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

async function theProject() {
  await ask("POST", `containers/${PROJECT}/create`, { project_type: "python" });
  await ask("PUT", `projects/${PROJECT}/content/note.txt`, "a note");
  await ask("POST", `containers/${PROJECT}/process`, { command: "python3 -m http.server 5000", port: 5000 });
}

/** What is not saved stays, whatever is shown beside it and however wide the window is. */
async function edits(page) {
  await page.getByRole("tree").getByText("note.txt").click();
  await page.getByRole("textbox", { name: "Text of note.txt" }).click();
  await page.keyboard.type("kept ");
  const text = page.getByRole("region", { name: "Editor" }).getByText("kept");
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await text.waitFor();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("navigation", { name: "Parts of the project" }).getByRole("button", { name: "Editor" }).click();
  await text.waitFor();
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await text.waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("region", { name: "Editor" }).getByText("Saved", { exact: true }).waitFor();
}

const tab = (page, name) => page.getByRole("tab", { name, exact: true }).click();

async function runtime(page, picture) {
  await tab(page, "Runtime");
  const memory = page.locator('[data-gauge="Memory"]');
  await memory.getByText("of 512 MiB").waitFor();
  await page.getByText("If nothing uses it").waitFor();
  // A line that is flat counts as hidden.
  await memory.locator("polyline").waitFor({ state: "attached" });
  await picture("runtime");
  await page.getByRole("textbox", { name: "Memory" }).fill("900g");
  await page.getByRole("button", { name: "Change limits" }).click();
  await page.getByRole("form", { name: "Limits of the runtime" }).getByRole("alert").scrollIntoViewIfNeeded();
  await picture("limit-refused");
  await page.getByRole("textbox", { name: "Memory" }).fill("640m");
  await page.getByRole("textbox", { name: "Stop when unused for" }).fill("2h");
  await page.getByRole("button", { name: "Change limits" }).click();
  await page.getByText("Changed.").waitFor();
  await memory.getByText("of 640 MiB").waitFor();
  await page.getByText("It may be unused for 2 h.").waitFor();
  await picture("limits-changed");
  const { limits } = await ask("GET", `containers/${PROJECT}`);
  assert.equal(limits.memory.bytes, 640 * 1024 * 1024);
}

async function network(page, picture) {
  await tab(page, "Network");
  await page.getByRole("region", { name: "Rules" }).waitFor();
  const fetches = 'python3 -c "import urllib.request as u; u.urlopen(\\"https://refused.example/\\")" || true';
  await ask("POST", `containers/${PROJECT}/exec`, { command: fetches });
  await page.getByRole("log", { name: "Decisions" }).getByText("refused.example:443").waitFor();
  await page.getByRole("button", { name: "Allow refused.example" }).click();
  await picture("network-refused");
  await page.getByRole("textbox", { name: "May never be reached" }).fill("bad example!");
  await page.getByRole("button", { name: "Save hosts" }).click();
  await page.getByRole("form", { name: "Hosts of this project" }).getByRole("alert").waitFor();
  await page.getByRole("textbox", { name: "May never be reached" }).fill("*.tracker.example");
  await page.getByRole("button", { name: "Save hosts" }).click();
  await page.getByText("Saved.", { exact: true }).waitFor();
  await page.getByRole("region", { name: "Rules" }).getByRole("row", { name: /^\*\.tracker\.example deny project/ }).waitFor();
  await picture("network-rules");
  const { rules } = await ask("GET", `containers/${PROJECT}/network`);
  const own = rules.filter(({ source }) => source === "project").map(({ host, effect }) => `${effect} ${host}`);
  assert.deepEqual(own.sort(), ["allow refused.example", "deny *.tracker.example"]);
}

async function ports(page, picture) {
  await tab(page, "Ports");
  await page.locator('[data-port="5000"][data-listening="true"]').waitFor();
  const [opened] = await Promise.all([
    page.waitForEvent("popup"),
    page.getByRole("link", { name: "Open the preview of port 5000" }).click(),
  ]);
  await opened.getByText("Directory listing").first().waitFor();
  assert.match(opened.url(), /^http:\/\/5000--panels-\w+\.localhost:\d+\/$/);
  await opened.close();
  await page.getByRole("combobox", { name: "Shows port" }).selectOption("5000");
  await page.getByRole("combobox", { name: "Lasts" }).selectOption("1 hour");
  await page.getByRole("button", { name: "Create link" }).click();
  const link = await page.getByRole("textbox", { name: /The new link/ }).inputValue();
  await page.getByRole("button", { name: "Copy the new link" }).click();
  await page.getByText("Copied").waitFor();
  await picture("ports");
  const stranger = await openBrowser();
  await stranger.page.goto(link);
  await stranger.page.getByText("Directory listing").first().waitFor();
  await page.getByRole("table", { name: "Links" }).getByRole("button", { name: /^Revoke/ }).click();
  await page.getByRole("table", { name: "Links" }).waitFor({ state: "hidden" });
  const again = await stranger.page.goto(link);
  assert.equal(again.status(), 401, "a revoked link still lets in");
  await stranger.close();
}

async function reports(page, picture) {
  await page.getByRole("link", { name: "Operations" }).click();
  const list = page.getByRole("navigation", { name: "Reports" });
  await list.getByRole("link").first().waitFor();
  const titles = await list.getByRole("link").locator("strong").allInnerTexts();
  assert.ok(titles.length >= 5, titles.join());
  for (const title of titles) {
    await list.getByRole("link", { name: title }).click();
    const written = page.frameLocator(`iframe[title="Report: ${title}"]`);
    await written.getByRole("heading", { level: 1, name: title }).waitFor();
    await picture(`report-${title.toLowerCase().replaceAll(" ", "-")}`);
  }
}

async function parameters(page) {
  const list = page.getByRole("navigation", { name: "Reports" });
  await list.getByRole("link", { name: "Usage" }).click();
  await page.getByRole("textbox", { name: "since" }).fill("soon");
  await page.getByRole("button", { name: "Write" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByRole("textbox", { name: "since" }).fill("1h");
  await page.getByRole("button", { name: "Write" }).click();
  await page.frameLocator("iframe").getByText("since: 1h").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download as CSV" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "usage.csv");
}

async function plugins(page, picture) {
  await page.getByRole("link", { name: "Plugins" }).click();
  const card = page.locator('[data-plugin="usage"]');
  await card.getByRole("button", { name: "Disable: usage" }).click();
  await card.getByText("It is kept, and not asked.").waitFor();
  await picture("plugins");
  await card.getByRole("button", { name: "Enable: usage" }).click();
  await card.getByText("live", { exact: true }).waitFor();
}

async function policies(page, picture) {
  await page.getByRole("link", { name: "Policies" }).click();
  await page.getByRole("textbox", { name: "Command" }).fill("rm -rf /");
  await page.getByRole("button", { name: "Judge" }).click();
  const verdict = page.getByTestId("verdict");
  await verdict.getByText("It would be refused").waitFor();
  await verdict.getByRole("row", { name: /^layered.* deny blocked/ }).waitFor();
  await picture("policies");
}

async function walk(page, picture) {
  await page.goto(new URL(`/projects/${PROJECT}`, signInUrl).href);
  await edits(page);
  await runtime(page, picture);
  await network(page, picture);
  await ports(page, picture);
  await reports(page, picture);
  await parameters(page);
  await plugins(page, picture);
  await policies(page, picture);
}

/** Pictures of every place in the other colours and on a phone. */
async function everyLook(page) {
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await places(page, photographer(page, join(process.env.SCREENSHOTS, `${width}-${colorScheme}`)), width < 760);
    }
  }
}

async function places(page, picture, isNarrow) {
  await page.goto(new URL(`/projects/${PROJECT}`, signInUrl).href);
  for (const pane of isNarrow ? ["Files", "Editor", "Preview", "Runtime"] : []) {
    await page.getByRole("navigation", { name: "Parts of the project" }).getByRole("button", { name: pane }).click();
    await settled(page);
    await picture(`pane-${pane.toLowerCase()}`);
  }
  for (const name of ["Terminal", "Process & logs", "Command", "Runtime", "Network", "Ports"]) {
    await tab(page, name);
    await settled(page);
    await picture(name.toLowerCase().replaceAll(/\W+/g, "-"));
    for (const section of ["Limits", "Rules", "Links for others"]) {
      const found = page.getByRole("region", { name: section, exact: true });
      if (!(await found.isVisible())) continue;
      await found.evaluate((element) => element.scrollIntoView());
      await picture(section.toLowerCase());
    }
  }
  for (const place of ["reports/runtimes", "reports/usage", "plugins", "policies"]) {
    await page.goto(new URL(`/operations/${place}`, signInUrl).href);
    await settled(page);
    await picture(place.replace("/", "-"));
  }
  await page.goto(signInUrl.origin);
  await settled(page);
  await picture("dashboard");
}

/** What is asked for has come, and been drawn. */
const settled = (page) => page.waitForLoadState("load").then(() => page.waitForTimeout(700));

const { context, page, close } = await openBrowser({ viewport: { width: 1280, height: 800 }, permissions: ["clipboard-read", "clipboard-write"] });
const picture = photographer(page);
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));
page.on("console", (message) => message.text().includes("Content Security Policy") && faults.push(message.text()));
try {
  await theProject();
  await page.goto(signInUrl.href);
  await walk(page, picture);
  if (process.env.EVERY_LOOK) await everyLook(page);
  assert.deepEqual(faults, [], "the page threw errors");
} catch (error) {
  await picture("failure").catch(() => undefined);
  throw error;
} finally {
  await context.close();
  await close().catch(() => {});
}
