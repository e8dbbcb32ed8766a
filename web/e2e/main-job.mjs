// The main job in a real browser: a prompt becomes a running, previewed project.
//
// LOCKHOUSE_URL   the sign-in URL that the server printed (required)
// SCREENSHOTS     a directory for pictures of each step
// CHROMIUM        the browser, if it is not /usr/bin/chromium
// LOCKHOUSE_RUN_TIMEOUT_MS, LOCKHOUSE_STEP_TIMEOUT_MS   how long a run, and any other step, may take
import assert from "node:assert/strict";
import { openBrowser, photographer } from "./browser.mjs";

const RUN_TIMEOUT_MS = Number(process.env.LOCKHOUSE_RUN_TIMEOUT_MS ?? 300_000);
const PROMPT = "a flask todo api with tests";

const signInUrl = process.env.LOCKHOUSE_URL;
assert.ok(signInUrl, "Set LOCKHOUSE_URL to the sign-in URL that the server printed.");

const { page, close } = await openBrowser();
const picture = photographer(page);
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));
page.on("console", (message) => message.text().includes("Content Security Policy") && faults.push(message.text()));

/** Styles, scripts and pictures of the project's own page that the host refused. */
const brokenParts = [];
page.on("response", (response) => {
  const isPart = ["stylesheet", "script", "image", "font"].includes(response.request().resourceType());
  const { hostname, pathname } = new URL(response.url());
  const isPreview = /^\d+--/.test(hostname) || pathname.startsWith("/api/v1/preview/");
  if (isPart && isPreview && response.status() >= 400) brokenParts.push(`${response.status()} ${response.url()}`);
});

/** Each step says what it does, so that a failure reads as a sentence. */
async function step(name, act) {
  const began = Date.now();
  try {
    const result = await act();
    console.log(`ok    ${name} (${Date.now() - began} ms)`);
    return result;
  } catch (error) {
    console.error(`FAIL  ${name}`);
    throw error;
  }
}

const runtimeState = (state) => page.locator(`header [data-status="${state}"]`);

async function theMainJob() {
  await step("a visitor without a session is told how to sign in", async () => {
    await page.goto(new URL("/", signInUrl).href);
    await page.getByRole("heading", { name: "Sign in to Lockhouse" }).waitFor();
    await picture("sign-in");
  });

  await step("the printed URL signs the browser in", async () => {
    await page.goto(signInUrl);
    await page.getByRole("heading", { name: "What shall we build?" }).waitFor();
    assert.equal(new URL(page.url()).search, "", "the ticket stayed in the address");
    await picture("dashboard");
  });

  const project = await step("a prompt suggests a name and starts a run", async () => {
    await page.getByRole("textbox", { name: "What shall we build?" }).fill(PROMPT);
    const name = await page.getByRole("textbox", { name: "Name" }).inputValue();
    assert.match(name, /^flask-todo-api(-\d+)?$/);
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await page.getByRole("progressbar").waitFor();
    await picture("run-begins");
    return name;
  });

  await step("files appear while they are written", async () => {
    const files = page.getByRole("region", { name: "Files written" });
    await files.getByText("requirements.txt").waitFor({ timeout: RUN_TIMEOUT_MS });
    await picture("run-writes");
  });

  await step("the run ends with a running project", async () => {
    const ending = page.locator('[data-state="done"], [data-state="failed"]');
    await ending.waitFor({ timeout: RUN_TIMEOUT_MS });
    await picture("run-ends");
    const alerts = await page.getByRole("alert").allInnerTexts();
    assert.equal(await ending.getAttribute("data-state"), "done", alerts.join("; "));
    const output = await page.getByRole("log", { name: "Output" }).innerText();
    assert.match(output, /passed/, "the run's output does not show that the tests passed");
  });

  await step("the project opens, running, with its files", async () => {
    await page.getByRole("link", { name: "Open project" }).click();
    await page.getByRole("heading", { name: project }).waitFor();
    await runtimeState("running").waitFor();
    await page.getByRole("tree").getByRole("treeitem").filter({ hasText: "requirements.txt" }).waitFor();
  });

  await step("a file opens in the editor, is changed and saved", async () => {
    await page.getByRole("tree").getByText("README.md", { exact: true }).click();
    const text = page.getByRole("textbox", { name: "Text of README.md" });
    await text.click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("Edited in the browser. ");
    await page.getByText("Unsaved edits").waitFor();
    await page.keyboard.press("Control+s");
    await page.getByRole("region", { name: "Editor" }).getByText("Saved", { exact: true }).waitFor();
    const saved = await page.request.get(new URL(`/api/v1/projects/${project}/content/README.md`, signInUrl).href);
    assert.match(await saved.text(), /^Edited in the browser\. /);
  });

  await step("the terminal runs what is typed", async () => {
    const terminal = page.getByTestId("terminal");
    await page.getByText("Connected", { exact: true }).waitFor();
    await terminal.click();
    await page.keyboard.type("echo hello-$((40+2))\n");
    await terminal.locator(".xterm-rows").getByText("hello-42").first().waitFor();
    await picture("project");
  });

  await step("the preview shows the project's page", async () => {
    const body = page.frameLocator('iframe[title="Preview"]').locator("body");
    await body.getByText(/todo/i).first().waitFor();
    const frame = page.frames().find((each) => each.parentFrame() === page.mainFrame());
    await frame.waitForLoadState("load");
    // The frame's own cookie, or the key in its address, lets these in.
    assert.deepEqual(brokenParts, [], "parts of the project's page did not load");
  });

  await step("the log shows what the process prints", async () => {
    await page.getByRole("tab", { name: "Process & logs" }).click();
    const log = page.getByRole("log", { name: "Process log" });
    await log.getByText(/running on|serving|listening|http/i).first().waitFor();
    await picture("process-and-logs");
  });

  await step("a command that destroys is refused with its reason", async () => {
    await page.getByRole("tab", { name: "Command" }).click();
    await page.getByRole("textbox", { name: "Command" }).fill("rm -rf /");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByTestId("refusal").getByText("never started").waitFor();
    await picture("refusal");
  });

  await step("stop stops it", async () => {
    await page.getByRole("button", { name: `Stop ${project}` }).click();
    await runtimeState("stopped").waitFor();
    await page.getByRole("tabpanel").getByText("The runtime is not running").first().waitFor();
    await picture("stopped");
  });

  await step("start starts it again, and the terminal comes back", async () => {
    await page.getByRole("button", { name: `Start ${project}` }).click();
    await runtimeState("running").waitFor();
    await page.getByRole("tab", { name: "Terminal" }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    await picture("started-again");
  });

  await step("the dashboard lists the project as running", async () => {
    await page.getByRole("link", { name: "Lockhouse: all projects" }).click();
    await page.locator(`[data-project="${project}"] [data-status="running"]`).waitFor();
    await picture("dashboard-with-project");
  });

  assert.deepEqual(faults, [], "the page threw errors");
}

try {
  await theMainJob();
} catch (error) {
  await picture("failure").catch(() => undefined);
  console.error(error);
  process.exitCode = 1;
} finally {
  await close();
}
