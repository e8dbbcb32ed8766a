// A dev server's page in a real browser, on an origin of its own and in the IDE: what is saved is shown
// without a reload, and the page gets nothing of Lockhouse's.
//
// LOCKHOUSE_URL   the sign-in URL that the server printed (required)
// SCREENSHOTS     a directory for pictures
import assert from "node:assert/strict";
import { openBrowser, photographer } from "./browser.mjs";

const signInUrl = new URL(process.env.LOCKHOUSE_URL);
const token = signInUrl.searchParams.get("token");
const { context, page, close } = await openBrowser();
const picture = photographer(page);

const heading = (place) => place.locator("#app");
const shows = (place, text) => place.locator("#app", { hasText: text }).waitFor();

/** Saves a file as the IDE would, from outside the browser. */
async function save(path, text) {
  const url = new URL(`/api/v1/projects/live/content/${path}`, signInUrl);
  const saved = await fetch(url, { method: "PUT", body: text, headers: { authorization: `Bearer ${token}` } });
  assert.ok(saved.ok, `${saved.status} ${await saved.text()}`);
}

try {
  await page.goto(signInUrl.href);
  await page.goto(new URL("/api/v1/containers/live/preview/open?port=5173", signInUrl).href);
  assert.match(page.url(), /^http:\/\/5173--live-\w+\.localhost:\d+\/$/);
  await shows(page, "before");
  await picture("before");

  await page.evaluate(() => (window.untouched = true));
  await save("text.js", 'export const text = "after";\n');
  await shows(page, "after");
  assert.equal(await page.evaluate(() => window.untouched), true, "the page was reloaded");
  await picture("after");

  const sees = await page.evaluate(() => document.cookie);
  assert.equal(sees, "", "the page sees a cookie");
  const api = new URL("/api/v1/projects", signInUrl).href;
  const called = await page.evaluate(
    (url) => fetch(url, { credentials: "include" }).then((answer) => answer.status, () => "refused"),
    api,
  );
  assert.equal(called, "refused", "the page read the API");
  const framed = await page.evaluate(async (url) => {
    const frame = document.createElement("iframe");
    frame.src = url;
    const loaded = new Promise((done) => frame.addEventListener("load", done));
    document.body.append(frame);
    await loaded;
    return frame.contentDocument === null ? "not ours to see" : frame.contentDocument.body.textContent;
  }, new URL("/", signInUrl).href);
  assert.equal(framed, "not ours to see");
  const inner = page.frames().find((frame) => frame.parentFrame() === page.mainFrame());
  // The browser may tell where a frame ended a moment after it has loaded.
  for (let tries = 0; inner.url() === "" && tries < 100; tries += 1) {
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.ok(inner.url().startsWith("chrome-error:"), `the IDE was framed: ${inner.url()}`);

  await page.goto(new URL("/projects/live", signInUrl).href);
  const ide = page.frameLocator('iframe[title="Preview"]');
  await shows(ide, "after");
  const frame = page.frames().find((each) => each.url().startsWith("http://5173--live-"));
  await frame.evaluate(() => (window.untouched = true));
  await save("text.js", 'export const text = "in the IDE";\n');
  await shows(ide, "in the IDE");
  assert.equal(await frame.evaluate(() => window.untouched), true, "the frame was reloaded");
  await picture("ide");
  console.log(await heading(ide).textContent());
} finally {
  await context.close();
  await close().catch(() => {});
}
