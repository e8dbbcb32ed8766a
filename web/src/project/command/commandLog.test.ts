import { describe, expect, test } from "vitest";
import { type CommandAction, MAX_RUNS, endingOf, record } from "./commandLog";

const after = (...actions: CommandAction[]) => actions.reduce(record, []);
const begin = (id: number): CommandAction => ({ type: "begin", id, command: `c${id}` });

describe("commands that were run", () => {
  test("output goes to its own command, whatever ends first", () => {
    const runs = after(
      begin(1),
      begin(2),
      { type: "event", id: 1, event: { type: "stdout", data: "one\n" } },
      { type: "event", id: 2, event: { type: "stderr", data: "two\n" } },
      { type: "event", id: 2, event: { type: "exit", data: 3, success: false, duration_ms: 1500 } },
    );
    expect(runs.map((run) => [run.output, endingOf(run)])).toEqual([
      ["one\n", "running…"],
      ["two\n", "exit code 3 · 1.5 s"],
    ]);
  });

  test("a timeout is called one", () => {
    const [run] = after(begin(1), { type: "event", id: 1, event: { type: "exit", data: 124, success: false, reason: "timeout" } });
    expect(run && endingOf(run)).toBe("timed out");
  });

  test("a refused command did not run", () => {
    const [run] = after(begin(1), { type: "fail", id: 1, error: new Error("refused") });
    expect(run && [endingOf(run), run.error?.message]).toEqual(["did not run", "refused"]);
  });

  test("only the last ones stay", () => {
    const runs = after(...Array.from({ length: MAX_RUNS + 5 }, (_, id) => begin(id)));
    expect([runs.length, runs[0]?.id]).toEqual([MAX_RUNS, 5]);
  });
});
