import { describe, expect, test } from "vitest";
import { ApiError, refusalOf, toProblem, unreachable } from "./problem";

describe("problems", () => {
  test("a problem keeps its code, sentence and request id", () => {
    const problem = toProblem(409, {
      type: "about:blank",
      title: "Project exists",
      status: 409,
      detail: "A project named todo exists. Choose another name.",
      code: "project_exists",
      request_id: "r-1",
    });
    expect(problem).toEqual({
      status: 409,
      code: "project_exists",
      title: "Project exists",
      detail: "A project named todo exists. Choose another name.",
      requestId: "r-1",
      extra: {},
    });
  });

  test("members that only one code carries are kept apart", () => {
    expect(toProblem(412, { code: "precondition_failed", current: '"e2"' }).extra).toEqual({ current: '"e2"' });
  });

  test("a body that is no problem becomes one that names the status", () => {
    const problem = toProblem(502, "<html>bad gateway</html>", "r-2");
    expect([problem.code, problem.title, problem.requestId]).toEqual(["http_502", "The server failed", "r-2"]);
  });

  test("the error's message is the sentence, or else the title", () => {
    expect(new ApiError(toProblem(404, { detail: "No such file." })).message).toBe("No such file.");
    expect(new ApiError(toProblem(404, null)).message).toBe("Not found");
  });

  test("a refused command carries the policy's verdict", () => {
    const error = new ApiError(
      toProblem(403, {
        code: "command_denied",
        detail: "refused",
        risk: "blocked",
        policy: "layered",
        rule: "block-list",
        reason: "rm of the root directory",
      }),
    );
    expect(refusalOf(error)).toEqual({
      risk: "blocked",
      policy: "layered",
      rule: "block-list",
      reason: "rm of the root directory",
    });
  });

  test("another 403 is no refusal of a command", () => {
    expect(refusalOf(new ApiError(toProblem(403, { code: "forbidden" })))).toBeNull();
    expect(refusalOf(new Error("command_denied"))).toBeNull();
  });

  test("a call without an answer says what to do", () => {
    const error = unreachable(new TypeError("failed"));
    expect([error.status, error.code]).toEqual([0, "unreachable"]);
    expect(error.message).toContain("try again");
  });
});
