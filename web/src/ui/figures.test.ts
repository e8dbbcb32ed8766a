import { describe, expect, test } from "vitest";
import { awayText, durationField, durationText, secondsIn, sizeField, sizeIn, sizeText } from "./figures";

describe("sizes", () => {
  test("are written in the unit that fits", () => {
    expect([0, 900, 1536, 512 * 1024 ** 2, 1.5 * 1024 ** 3].map(sizeText)).toEqual(["0 B", "900 B", "1.5 KiB", "512 MiB", "1.5 GiB"]);
  });

  test("come back from a field as they went in", () => {
    for (const bytes of [1, 1023, 4096, 512 * 1024 ** 2, 3 * 1024 ** 3, 1024 ** 3 + 1]) {
      expect(sizeIn(sizeField(bytes))).toBe(bytes);
    }
  });

  test("what is no size is none", () => {
    expect(["", "lots", "1.5g", "-1", "1t"].map(sizeIn)).toEqual([null, null, null, null, null]);
  });
});

describe("durations", () => {
  test("take two units at most", () => {
    expect([0, 59, 60, 5400, 86_400, 90_061].map(durationText)).toEqual(["0 s", "59 s", "1 min", "1 h 30 min", "1 d", "1 d 1 h"]);
  });

  test("come back from a field as they went in", () => {
    for (const seconds of [0, 1, 59, 300, 3600, 5400, 86_400, 90_061]) expect(secondsIn(durationField(seconds))).toBe(seconds);
  });

  test("are read as people write them", () => {
    expect(["90", "90s", "15m", "15 min", "1h30m", "2d"].map(secondsIn)).toEqual([90, 90, 900, 900, 5400, 172_800]);
  });

  test("what is no duration is none", () => {
    expect(["", "soon", "-5m", "1m 1h"].map(secondsIn)).toEqual([null, null, null, null]);
  });
});

test("a time is told by how far away it is", () => {
  const now = Date.parse("2026-01-01T12:00:00Z");
  const told = ["2026-01-01T12:05:00Z", "2026-01-01T10:00:00Z", "2026-01-01T12:00:01Z"].map((time) => awayText(time, now));
  expect(told).toEqual(["in 5 min", "2 h ago", "now"]);
});
