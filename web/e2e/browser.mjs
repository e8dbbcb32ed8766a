// Starts the machine's Chromium for the browser tests, and keeps pictures of what it saw.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

// As root Chromium has no sandbox of its own; the other flags keep it from calling home.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** What one step of a user may take. */
export const STEP_TIMEOUT_MS = Number(process.env.LOCKHOUSE_STEP_TIMEOUT_MS ?? 20_000);

export async function openBrowser(settings = {}) {
  const profile = await mkdtemp(join(tmpdir(), "lockhouse-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    ...settings,
  });
  context.setDefaultTimeout(STEP_TIMEOUT_MS);
  const page = context.pages()[0] ?? (await context.newPage());
  const close = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, page, close };
}

/** Takes numbered pictures into SCREENSHOTS; without it, none. */
export function photographer(page, folder = process.env.SCREENSHOTS) {
  let count = 0;
  return async (name) => {
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    count += 1;
    await page.screenshot({ path: join(folder, `${String(count).padStart(2, "0")}-${name}.png`) });
  };
}
