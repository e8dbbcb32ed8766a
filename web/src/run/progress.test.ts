import { describe, expect, test } from "vitest";
import type { RunEvent } from "../api/types";
import { MAX_OUTPUT_CHARS, NOT_STARTED, STEPS, advance, isOver, lookOf } from "./progress";

const after = (...events: RunEvent[]) => events.reduce(advance, NOT_STARTED);

describe("a run's progress", () => {
  test("moves through the steps without going back", () => {
    const states = ["planning", "planned", "writing", "installing", "starting", "checking", "done"] as const;
    const shares = states.map((_, last) => after(...states.slice(0, last + 1).map((state) => ({ type: "state", state }) as const)).share);
    expect(shares).toEqual([0, 0.2, 0.2, 0.4, 0.6, 0.8, 1]);
  });

  test("grows with the files that are written", () => {
    expect(after({ type: "state", state: "writing", done: 3, total: 4 }).share).toBeCloseTo(0.35);
  });

  test("lists each file once, in the order they came", () => {
    const { files } = after({ type: "file", path: "b" }, { type: "file", path: "a" }, { type: "file", path: "b" });
    expect(files).toEqual(["b", "a"]);
  });

  test("keeps the end of long output, from the beginning of a line", () => {
    const { output } = after(
      { type: "output", stream: "stdout", data: `first\nsecond ${"x".repeat(MAX_OUTPUT_CHARS - 10)}\n` },
      { type: "output", stream: "stderr", data: "last\n" },
    );
    expect([output.endsWith("last\n"), output.includes("first"), output.length <= MAX_OUTPUT_CHARS]).toEqual([true, false, true]);
  });

  test("ends well with a preview", () => {
    const progress = after({ type: "done", preview_url: "/api/v1/preview/todo/" });
    expect([isOver(progress), progress.share, progress.previewUrl]).toEqual([true, 1, "/api/v1/preview/todo/"]);
  });

  test("fails at the step it stood at", () => {
    const progress = after({ type: "state", state: "installing" }, { type: "failed", error: "pip ended with 1" });
    expect(STEPS.map((_, step) => lookOf(progress, step))).toEqual(["done", "done", "failed", "ahead", "ahead"]);
    expect(progress.error).toBe("pip ended with 1");
  });
});
