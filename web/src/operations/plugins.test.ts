import { describe, expect, test } from "vitest";
import type { Plugin } from "../api";
import { actionsOf, healthOf, previousText, tookText } from "./plugins";

const now = Date.parse("2026-01-01T12:00:00Z");
const plugin = (change: Partial<Plugin> = {}): Plugin => ({
  name: "strict", roles: ["command-policy"], version: "1.0.0", summary: "", digest: "sha256:aa", state: "live", reason: null,
  quarantine: null, enabled: true, built_in: true, previous: null, asked: [], granted: [], bindings: [], versions: [], ...change,
});
const quarantine = { since: "2026-01-01T11:59:00Z", last_fault: "it ran out of time", retry_at: "2026-01-01T12:01:00Z" };

describe("a plugin", () => {
  test("that works says no more", () => {
    expect(healthOf(plugin(), now)).toEqual({ word: "live", tone: "good", why: null });
  });

  test("in quarantine says why, and when it is tried again", () => {
    const { word, why } = healthOf(plugin({ quarantine }), now);
    expect([word, why]).toEqual(["quarantined", expect.stringMatching(/again in 1 min\. Last: it ran out of time$/)]);
  });

  test("that failed says why", () => {
    expect(healthOf(plugin({ state: "failed", reason: "no such import" }), now)).toMatchObject({ word: "failed", why: "no such import" });
  });

  test("offers what makes sense now", () => {
    expect(actionsOf(plugin())).toEqual(["disable"]);
    expect(actionsOf(plugin({ enabled: false, state: "disabled" }))).toEqual(["enable"]);
    expect(actionsOf(plugin({ quarantine, previous: "built-in" }))).toEqual(["enable", "disable", "rollback"]);
  });

  test("names what a rollback brings back", () => {
    const versions = [{ digest: "sha256:bb", version: "0.9.0", source: "upload", signed_by: null, installed_by: "ada", installed_at: "t" }];
    const told = ["sha256:bb", "built-in", "sha256:0123456789abcdef"].map((previous) => previousText(plugin({ previous, versions })));
    expect(told).toEqual(["0.9.0", "the built-in version", "0123456789ab"]);
  });
});

test("times are told in the unit that fits", () => {
  expect([850, 1_240, 48_000, 2_500_000].map(tookText)).toEqual(["850 µs", "1.2 ms", "48 ms", "2.5 s"]);
});
