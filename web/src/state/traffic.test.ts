import { describe, expect, test } from "vitest";
import type { TrafficEvent } from "../api";
import { MAX_DECIDED, MAX_TRANSFERS, NO_TRAFFIC, noted } from "./traffic";

const after = (...events: TrafficEvent[]) => events.reduce(noted, NO_TRAFFIC);
const refused = (host: string): TrafficEvent => ({
  type: "egress", project: "p", at: "t", host, port: 443, allowed: false, reason: "not-listed: no rule names it",
});
const received = (host: string, received_bytes: number): TrafficEvent => ({ type: "transfer", project: "p", at: "t", host, received_bytes });

describe("what a runtime's connections came to", () => {
  test("the newest decision stands first", () => {
    expect(after(refused("a"), refused("b")).decided.map(({ host }) => host)).toEqual(["b", "a"]);
  });

  test("who tries again is one line with a count", () => {
    const { decided } = after(refused("a"), refused("a"), refused("a"));
    expect(decided.map(({ host, times }) => [host, times])).toEqual([["a", 3]]);
  });

  test("a decision that changed is a line of its own", () => {
    const allowed: TrafficEvent = { type: "egress", project: "p", at: "t", host: "a", port: 443, allowed: true, reason: "first use" };
    expect(after(refused("a"), allowed).decided.map(({ isAllowed }) => isAllowed)).toEqual([true, false]);
  });

  test("a download grows in its host's line", () => {
    const { transfers } = after(received("a", 10), received("b", 5), received("a", 30));
    expect(transfers.map(({ host, bytes }) => [host, bytes])).toEqual([["a", 30], ["b", 5]]);
  });

  test("neither list grows without end", () => {
    const many = Array.from({ length: MAX_DECIDED + 9 }, (_, n) => [refused(`h${n}`), received(`h${n}`, n)]).flat();
    const { decided, transfers } = after(...many);
    expect([decided.length, transfers.length]).toEqual([MAX_DECIDED, MAX_TRANSFERS]);
    expect(new Set(decided.map(({ id }) => id)).size).toBe(MAX_DECIDED);
  });
});
