import { describe, expect, test } from "vitest";
import { type Form, changesOf, faultOf, formOf } from "./limitsForm";

const bytes = (bytes: number) => ({ bytes, enforcement: "hard" });
const count = (count: number) => ({ count, enforcement: "hard" });
const limits = {
  memory: bytes(512 * 1024 ** 2), cpu: { cpus: 0.5, enforcement: "hard" }, pids: count(256), disk: bytes(1024 ** 3),
  tmp: bytes(1), open_files: count(1),
};
const activity = {
  last_activity: null, cause: null, idle_timeout: 3600, max_lifetime: 86_400, started_at: null, idle_stop_at: null, lifetime_ends_at: null,
};
const before = formOf(limits, 300, activity);
const changed = (change: Partial<Form>) => changesOf({ ...before, ...change }, before);

describe("the form of a runtime's limits", () => {
  test("shows the limits as they are", () => {
    expect(before).toEqual({ memory: "512m", cpu: "0.5", disk: "1g", pids: "256", command: "5m", idle: "1h", lifetime: "24h" });
  });

  test("asks for what differs, and for nothing else", () => {
    expect(changed({ memory: "1g", idle: "90 min" })).toEqual({ memory_limit: "1g", idle_timeout: 5400 });
  });

  test("what is only written otherwise is no change", () => {
    expect(changed({ memory: "524288k", disk: "1024m", idle: "3600", cpu: "0.50" })).toEqual({});
  });

  test("a field that can't be read says how to write it, and nothing is asked", () => {
    expect(changed({ memory: "lots", cpu: "2" })).toBeNull();
    expect(faultOf({ ...before, memory: "lots" }, "memory")).toContain("512m");
    expect(faultOf(before, "memory")).toBeNull();
  });

  test("nothing, part of a program and less than nothing are no limits", () => {
    expect([changed({ pids: "1.5" }), changed({ cpu: "0" }), changed({ idle: "" }), changed({ cpu: "-1" })]).toEqual([null, null, null, null]);
  });
});
