import { describe, expect, test } from "vitest";
import type { Stats } from "../../api";
import { MAX_SAMPLES, NO_USE, gauges, holdOf, linePoints, sampled } from "./use";

const stats = (change: Partial<Stats> = {}): Stats => ({
  cpu_percent: 25, memory_usage_mb: 128, memory_limit_mb: 512, disk_usage_mb: 10, disk_age_seconds: 1, pids: 8, ...change,
});
const bytes = (bytes: number, enforcement = "hard") => ({ bytes, enforcement });
const limits = {
  memory: bytes(512 * 1024 ** 2), cpu: { cpus: 0.5, enforcement: "hard" }, pids: { count: 256, enforcement: "hard" },
  disk: bytes(1024 ** 3, "soft"), tmp: bytes(1), open_files: { count: 1, enforcement: "hard" },
};

describe("what a runtime uses", () => {
  test("is a part of what it may", () => {
    const use = sampled(NO_USE, { stats: stats(), cpus: 0.5 });
    expect([use.cpu, use.memory]).toEqual([[0.5], [0.25]]);
    expect(gauges(use, limits).map(({ name, used, limit }) => `${name} ${used} of ${limit}`)).toEqual([
      "CPU 0.25 of 0.5 CPUs", "Memory 128 MiB of 512 MiB", "Disk 10 MiB of 1 GiB", "Programs 8 of 256",
    ]);
  });

  test("what is over a limit, or no number, stays within the picture", () => {
    const use = [stats({ cpu_percent: 900 }), stats({ memory_limit_mb: 0, memory_usage_mb: 0 })]
      .reduce((all, each) => sampled(all, { stats: each, cpus: 0.5 }), NO_USE);
    expect([use.cpu[0], use.memory[1]]).toEqual([1, 0]);
  });

  test("a disk that was not measured is not known", () => {
    const [, , disk] = gauges(sampled(NO_USE, { stats: stats({ disk_usage_mb: null }), cpus: 1 }), limits);
    expect([disk?.used, disk?.part]).toEqual(["–", null]);
  });

  test("only the last samples stay, and nothing once it begins anew", () => {
    let use = NO_USE;
    for (let n = 0; n < MAX_SAMPLES + 5; n += 1) use = sampled(use, { stats: stats(), cpus: 1 });
    expect([use.cpu.length, sampled(use, null)]).toEqual([MAX_SAMPLES, NO_USE]);
  });
});

test("a limit says how it is held", () => {
  expect(["hard", "soft", "none: no quota here"].map((how) => holdOf(how).word)).toEqual(["hard", "soft", "not held"]);
  expect(holdOf("none: no quota here").meaning).toBe("no quota here");
});

test("a line ends at the right edge with the newest", () => {
  expect(linePoints([0, 1], 100, 20, 3)).toBe("50.0,20.0 100.0,0.0");
});
