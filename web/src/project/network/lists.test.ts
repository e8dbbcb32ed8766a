import { describe, expect, test } from "vitest";
import type { NetworkRule } from "../../api";
import { allowanceOf, allowing, hostsIn, isSame, ownLists } from "./lists";

const rule = (host: string, effect: NetworkRule["effect"], source = "project"): NetworkRule => ({ host, effect, source, downloads_only: false });

describe("a project's own lists", () => {
  test("are the rules that are the project's", () => {
    const rules = [rule("bad.example", "deny"), rule("x.example", "deny", "operator"), rule("*.good.example", "allow"), rule("pypi.org", "allow", "learned from pip")];
    expect(ownLists(rules)).toEqual({ allow: ["*.good.example"], deny: ["bad.example"] });
  });

  test("are read as people part them, each host once", () => {
    expect(hostsIn(" a.example,\nb.example:443  a.example\n\n")).toEqual(["a.example", "b.example:443"]);
  });

  test("are the same when they name the same", () => {
    expect(isSame({ allow: ["a"], deny: [] }, { allow: ["a"], deny: [] })).toBe(true);
    expect(isSame({ allow: ["a"], deny: [] }, { allow: [], deny: ["a"] })).toBe(false);
  });
});

describe("to allow what was refused", () => {
  test("names the port unless it is a usual one", () => {
    expect([443, 8443].map((port) => allowanceOf("a.example", port, [80, 443]))).toEqual(["a.example", "a.example:8443"]);
  });

  test("an address of version 6 is told apart from its port", () => {
    expect(allowanceOf("2001:db8::1", 8443, [443])).toBe("[2001:db8::1]:8443");
  });

  test("takes it off what is denied, and adds it once", () => {
    const lists = allowing({ allow: "b\n", deny: "a\nc" }, "a");
    expect([lists, allowing(lists, "a").allow]).toEqual([{ allow: "b\na", deny: "c" }, "b\na"]);
  });
});
