// Walks to the states that the main job does not pass, against the fake host, and takes a picture of each:
// empty, refused, failed, conflict, dark, narrow, reconnecting. `npm run look` after `npm run build`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { openBrowser, photographer } from "./browser.mjs";

const host = spawn(process.execPath, [new URL("fake-host.mjs", import.meta.url).pathname], { env: { ...process.env, FAKE_PACE_MS: "20" } });
host.stderr.pipe(process.stderr);
const [line] = await once(host.stdout, "data");
const signInUrl = String(line).trim();
const origin = new URL(signInUrl).origin;

async function build(page, prompt, ending) {
  await page.goto(origin);
  await page.getByRole("textbox", { name: "What shall we build?" }).fill(prompt);
  await page.getByRole("button", { name: "Build", exact: true }).click();
  await page.locator(`[data-state="${ending}"]`).waitFor();
}

async function signIn(page, picture) {
  await page.goto(origin);
  await page.getByLabel("Token or sign-in URL").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("does not sign you in").waitFor();
  await picture("token-refused");
  await page.getByLabel("Token or sign-in URL").fill(signInUrl);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "What shall we build?" }).waitFor();
}

async function conflict(page, picture) {
  await page.getByRole("tree").getByText("app.py", { exact: true }).click();
  const text = page.getByRole("textbox", { name: "Text of app.py" });
  await text.click();
  await page.keyboard.type("# mine ");
  await page.getByText("Unsaved edits").waitFor();
  const url = `${origin}/api/v1/projects/todo-api/content/app.py`;
  await page.request.put(url, { data: "# theirs\n", headers: { "content-type": "text/plain" } });
  await page.getByText("was changed by someone else").waitFor();
  await picture("conflict");
  await page.getByRole("button", { name: "Take theirs" }).click();
  await page.getByRole("region", { name: "Editor" }).getByText("# theirs").waitFor();
  await page.getByRole("region", { name: "Editor" }).getByText("Saved", { exact: true }).waitFor();
  await page.request.put(url, { data: "# theirs again\n", headers: { "content-type": "text/plain" } });
  await page.getByRole("region", { name: "Editor" }).getByText("# theirs again").waitFor();
}

/** Drops the connection while output runs; every line must be there once, in order. */
async function reconnect(page, picture) {
  const terminal = page.getByTestId("terminal");
  await page.getByText("Connected", { exact: true }).waitFor();
  await terminal.click();
  await page.keyboard.type("for i in $(seq 1 30); do echo line-$i-; sleep 0.02; done; echo all-$((1+1))-done\n");
  await terminal.getByText("line-5-").first().waitFor();
  await page.request.post(`${origin}/api/v1/fake/drop-terminals`);
  await page.getByText("Reconnecting…").first().waitFor();
  await picture("reconnecting");
  await terminal.getByText("all-2-done").first().waitFor();
  const rows = await terminal.locator(".xterm-rows").innerText();
  const shown = [...rows.matchAll(/^line-(\d+)-/gm)].map((match) => Number(match[1]));
  const from = shown[0];
  assert.deepEqual(shown, Array.from({ length: 31 - from }, (_, index) => from + index), "lines were lost or doubled");
  await picture("reconnected");
}

/** The host is away for a while: what was typed stays, and the page finds back by itself. */
async function away(page, picture) {
  const editor = page.getByRole("region", { name: "Editor" });
  await editor.getByRole("textbox").click();
  await page.keyboard.type("# kept");
  await page.request.post(`${origin}/api/v1/fake/away`);
  await page.getByRole("button", { name: "Read the files again" }).click();
  await page.getByRole("banner").getByText("Reconnecting…").waitFor();
  await picture("host-away");
  await page.getByRole("banner").getByText("Reconnecting…").waitFor({ state: "hidden" });
  await page.getByText("Connected", { exact: true }).waitFor();
  await editor.getByText("# kept").waitFor();
  await editor.getByRole("button", { name: "Save" }).click();
  await editor.getByText("Saved", { exact: true }).waitFor();
}

async function walk(page, picture) {
  await signIn(page, picture);
  await build(page, "a shop that must fail", "failed");
  await picture("run-failed");
  await build(page, "a todo api", "done");
  await page.getByRole("link", { name: "Open project" }).click();
  await page.getByRole("tree").getByText("tests", { exact: true }).click();
  await conflict(page, picture);
  await away(page, picture);
  await reconnect(page, picture);
  await page.getByRole("button", { name: "Delete todo-api" }).click();
  await picture("delete-asks");
  await page.getByRole("button", { name: "Keep" }).click();
  await page.setViewportSize({ width: 1000, height: 720 });
  await page.getByRole("tab", { name: "Command" }).click();
  await page.getByRole("textbox", { name: "Command" }).fill("pytest -q");
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByText("exit code 0").waitFor();
  await picture("narrow");
  await page.getByRole("button", { name: "Preview", exact: true }).click();
  await picture("narrow-without-preview");
  await page.goto(`${origin}/projects/nothing-here`);
  await page.getByText("There is no project named").waitFor();
  await picture("no-such-project");
}

try {
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await openBrowser({ colorScheme });
    const folder = process.env.SCREENSHOTS && `${process.env.SCREENSHOTS}/${colorScheme}`;
    const picture = photographer(page, folder);
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.text().includes("Content Security Policy") && faults.push(message.text()));
    await walk(page, picture)
      .then(() => assert.deepEqual(faults, []))
      .catch(async (error) => {
        await picture("failure");
        throw error;
      })
      .finally(close);
    await fetch(`${origin}/api/v1/fake/forget`, { method: "POST", headers: { cookie: "lockhouse_session=fake-token" } });
    console.log(`ok    every state, ${colorScheme}`);
  }
} finally {
  host.kill();
}
