import { describe, expect, test } from "vitest";
import { faultOf, isValidName, suggestName } from "./projectName";

describe("a suggested name", () => {
  test.each([
    ["a flask todo api with tests", "flask-todo-api"],
    ["Build me a CLI that counts words", "cli-counts-words"],
    ["Ein Kochbuch für Gemüse", "ein-kochbuch-fur"],
    ["the", "the"],
    ["my bob's bookshop", "bobs-bookshop"],
    ["", "project"],
    ["待办事项", "project"],
    ["---!!!", "project"],
  ])("for %j is %s", (prompt, name) => {
    expect(suggestName(prompt)).toBe(name);
  });

  test("is always valid, however long the words", () => {
    const name = suggestName(`${"x".repeat(62)} yyyy ${"z".repeat(200)}`);
    expect([isValidName(name), name.length]).toEqual([true, 62]);
  });

  test("steps aside for names that are taken", () => {
    expect(suggestName("todo api", new Set(["todo-api", "todo-api-2"]))).toBe("todo-api-3");
  });

  test("stays within its length when it steps aside", () => {
    const long = "x".repeat(63);
    expect(suggestName(long, new Set([long]))).toBe(`${"x".repeat(61)}-2`);
  });
});

describe("a name of the user's own", () => {
  test.each(["todo", "3d", "a".repeat(63), "a-b-"])("%s is fine", (name) => {
    expect(faultOf(name, new Set())).toBeNull();
  });

  test.each(["", "Todo", "-todo", "to do", "a".repeat(64), "../etc", "tödo"])("%j is refused with a reason", (name) => {
    expect(faultOf(name, new Set())).toMatch(/\.$/);
  });

  test("that is taken is refused", () => {
    expect(faultOf("todo", new Set(["todo"]))).toContain("exists");
  });
});
