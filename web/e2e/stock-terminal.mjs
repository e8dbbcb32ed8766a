// xterm.js with its own attach add-on, on a page of another origin, against a real host.
//
// LOCKHOUSE_URL   the sign-in URL that the server printed (required)
// LOCKHOUSE_PROJECT   a project whose runtime runs (required)
// SCREENSHOTS, CHROMIUM, LOCKHOUSE_STEP_TIMEOUT_MS   as in main-job.mjs
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { openBrowser, photographer } from "./browser.mjs";

const signInUrl = process.env.LOCKHOUSE_URL;
const project = process.env.LOCKHOUSE_PROJECT;
assert.ok(signInUrl && project, "Set LOCKHOUSE_URL and LOCKHOUSE_PROJECT.");
const { origin: host, searchParams } = new URL(signInUrl);
const token = searchParams.get("token");

const SIZE = { cols: 90, rows: 26 };

/** The page's own server: it knows a token, and gives the page a ticket. */
const FILES = {
  "/xterm.js": ["text/javascript", "@xterm/xterm/lib/xterm.js"],
  "/xterm.css": ["text/css", "@xterm/xterm/css/xterm.css"],
  "/attach.js": ["text/javascript", "@xterm/addon-attach/lib/addon-attach.js"],
};

const PAGE = `<!doctype html>
<meta charset="utf-8"><title>A stock terminal</title>
<link rel="stylesheet" href="/xterm.css">
<style>body { margin: 0; background: #000; }</style>
<div id="terminal"></div>
<script src="/xterm.js"></script>
<script src="/attach.js"></script>
<script>
  const terminal = (window.terminal = new Terminal(${JSON.stringify(SIZE)}));
  terminal.open(document.getElementById("terminal"));
  fetch("/ticket").then((answer) => answer.json()).then(({ ticket, url }) => {
    const socket = new WebSocket(url + "&ticket=" + ticket);
    socket.addEventListener("open", () => (document.title = "open"));
    socket.addEventListener("close", ({ code, reason }) => (document.title = code + " " + reason));
    terminal.loadAddon(new AttachAddon.AttachAddon(socket));
    terminal.focus();
  });
</script>`;

const call = (path, body) =>
  fetch(`${host}/api/v1/containers/${project}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  }).then((answer) => answer.json());

async function respond(path) {
  if (path === "/") return ["text/html", PAGE];
  if (path === "/ticket") {
    const { ticket } = await call("/terminal/ticket", {});
    const query = new URLSearchParams(SIZE);
    const url = `${host.replace("http", "ws")}/api/v1/containers/${project}/terminal?${query}`;
    return ["application/json", JSON.stringify({ ticket, url })];
  }
  const [type, module] = FILES[path] ?? [];
  return type ? [type, await readFile(fileURLToPath(import.meta.resolve(module)))] : null;
}

const server = createServer((request, response) => {
  respond(new URL(request.url, "http://page").pathname)
    .then((found) => {
      response.writeHead(found ? 200 : 404, { "content-type": found?.[0] ?? "text/plain" });
      response.end(found?.[1] ?? "not here");
    })
    .catch((error) => {
      response.writeHead(500);
      response.end(String(error));
    });
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const page_url = `http://127.0.0.1:${server.address().port}/`;

const { page, close } = await openBrowser({ viewport: { width: 900, height: 520 } });
const picture = photographer(page);
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));

async function step(name, act) {
  try {
    await act();
    console.log(`ok    ${name}`);
  } catch (error) {
    console.error(`FAIL  ${name}; the page is “${await page.title()}” and shows:\n${await rows().innerText()}`);
    throw error;
  }
}

const rows = () => page.locator(".xterm-rows");
const shows = (text) => rows().getByText(text).first().waitFor();
const types = async (keys) => {
  await page.keyboard.type(keys);
  await page.keyboard.press("Enter");
};

async function theStockPage() {
  await step("the stock page opens a terminal by a ticket", async () => {
    await page.goto(page_url);
    await page.waitForFunction(() => document.title === "open");
  });

  await step("what is typed is run, and its colours are seen", async () => {
    await types("PS1='\\[\\e[32m\\]ready\\[\\e[0m\\] $ '; clear; printf '\\e[1;33mstock-%s\\e[0m\\n' $((40+2))");
    await shows("stock-42");
    await types("stty size");
    await shows(`${SIZE.rows} ${SIZE.cols}`);
    await picture("typed");
  });

  await step("another size is told by a request", async () => {
    await call("/terminals/main/resize", { cols: 80, rows: 20 });
    await page.evaluate(() => window.terminal.resize(80, 20));
    await types("stty size");
    await shows("20 80");
    await call("/terminals/main/resize", SIZE);
    await page.evaluate(({ cols, rows }) => window.terminal.resize(cols, rows), SIZE);
  });

  await step("a full-screen program is seen, and is there again after the page is loaded anew", async () => {
    await types("seq -f 'line %.0f of a long file' 1 500 > long.txt; less -S long.txt");
    await shows("line 1 of a long file");
    await page.keyboard.type("250g");
    const wholePage = async () => {
      await shows("line 250 of a long file");
      await shows("line 274 of a long file");
      return (await rows().innerText()).match(/line \d+ of a long file/g);
    };
    const before = await wholePage();
    await picture("pager");
    await page.reload();
    await page.waitForFunction(() => document.title === "open");
    assert.deepEqual(await wholePage(), before);
    await picture("pager-again");
  });

  await step("leaving it shows the shell's screen again", async () => {
    await page.keyboard.type("q");
    await shows("stock-42");
    await picture("shell-again");
  });

  await step("the shell's end is told by the code and the reason", async () => {
    await types("exit 3");
    await page.waitForFunction(() => document.title.startsWith("4000 "));
    assert.match(await page.title(), /exit code 3/);
  });
}

try {
  await theStockPage();
  assert.deepEqual(faults, [], "the page had faults");
} finally {
  await close();
  server.close();
}
