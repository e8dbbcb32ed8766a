import { expect, test } from "vitest";
import { textOf, withoutEscapes } from "./output";

test("plain output is its own text", () => {
  expect(textOf({ data: "grüße" })).toBe("grüße");
});

test("output that is no UTF-8 comes as base64 and is shown as well as it can be", () => {
  expect(textOf({ data: btoa("ok\xff"), encoding: "base64" })).toBe("ok\ufffd");
});

test("colours and titles are left out", () => {
  expect(withoutEscapes("\u001b[32mpassed\u001b[0m \u001b]0;title\u0007now")).toBe("passed now");
});

test("a progress bar shows where it ended", () => {
  expect(withoutEscapes("10%\r50%\r100%\r\nnext")).toBe("100%\nnext");
});
