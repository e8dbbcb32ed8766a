import { describe, expect, test } from "vitest";
import type { Activity } from "../../api";
import { deadlinesOf } from "./deadlines";

const now = Date.parse("2026-01-01T12:00:00Z");
const activity = (change: Partial<Activity> = {}): Activity => ({
  last_activity: "2026-01-01T11:58:00Z",
  cause: "terminal",
  idle_timeout: 3600,
  max_lifetime: 86_400,
  started_at: "2026-01-01T11:00:00Z",
  idle_stop_at: "2026-01-01T12:58:00Z",
  lifetime_ends_at: "2026-01-02T11:00:00Z",
  ...change,
});

describe("when a runtime will be stopped", () => {
  test("what used it last, and how long it may be unused, is told", () => {
    const [idle] = deadlinesOf(activity(), now);
    expect(idle?.when).toMatch(/, in 58 min$/);
    expect(idle?.why).toBe("Last used 2 min ago by a terminal. It may be unused for 1 h.");
  });

  test("the end of its lifetime does not move with its use", () => {
    const [, lifetime] = deadlinesOf(activity(), now);
    expect([lifetime?.when.endsWith("in 23 h"), lifetime?.why]).toEqual([true, "It may run for 1 d."]);
  });

  test("one that was never used says so", () => {
    expect(deadlinesOf(activity({ last_activity: null, cause: null }), now)[0]?.why).toContain("Nothing used it yet.");
  });

  test("a deadline that is over is due", () => {
    expect(deadlinesOf(activity({ idle_stop_at: "2026-01-01T11:59:00Z" }), now)[0]?.when).toBe("due now");
  });

  test("what does not run has none", () => {
    expect(deadlinesOf(activity({ idle_stop_at: null, lifetime_ends_at: null }), now)).toEqual([]);
  });
});
