import { expect, test } from "vitest";
import { RUNTIME_STATES } from "../api/types";
import { offers } from "./runtimeActions";

test("a running project can be stopped but not started", () => {
  expect([offers("running", "stop"), offers("running", "start")]).toEqual([true, false]);
});

test("what was never created, is stopped or failed can be started", () => {
  expect(RUNTIME_STATES.filter((state) => offers(state, "start"))).toEqual(["absent", "stopped", "failed"]);
});

test("delete is offered everywhere but while deleting", () => {
  expect(RUNTIME_STATES.filter((state) => !offers(state, "delete"))).toEqual(["deleting"]);
});

test("a runtime that changes offers nothing else", () => {
  expect((["start", "stop", "restart"] as const).some((action) => offers("stopping", action))).toBe(false);
});
