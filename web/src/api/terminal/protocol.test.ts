import { describe, expect, test } from "vitest";
import { FrameError, ack, decode, input, pause, ping, resize, resume } from "./protocol";

const utf8 = new TextEncoder();
const json = (type: number, members: unknown) => Uint8Array.from([type, ...utf8.encode(JSON.stringify(members))]);

describe("frames to the host", () => {
  test("keystrokes follow a zero byte as they are", () => {
    expect([...input("ls\r")]).toEqual([0, 108, 115, 13]);
    expect([...input(Uint8Array.of(27, 255))]).toEqual([0, 27, 255]);
  });

  test("a resize is JSON", () => {
    const bytes = resize({ cols: 80, rows: 24 });
    expect(bytes[0]).toBe(1);
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(1)))).toEqual({ cols: 80, rows: 24 });
  });

  test("an ack is the sequence number in eight bytes, big end first", () => {
    expect([...ack(0x01_0203_0405)]).toEqual([2, 0, 0, 0, 1, 2, 3, 4, 5]);
  });

  test("pings, pauses and resumes are one byte", () => {
    expect([ping(), pause(), resume()].map((frame) => [...frame])).toEqual([[3], [4], [5]]);
  });
});

describe("frames from the host", () => {
  test("output carries the sequence number of its first byte", () => {
    const frame = decode(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 2, 104, 105));
    expect(frame).toEqual({ type: "output", sequence: 258, bytes: Uint8Array.of(104, 105) });
  });

  test("output is read where it stands in a larger buffer", () => {
    const larger = Uint8Array.of(9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 5, 65);
    expect(decode(larger.subarray(2))).toEqual({ type: "output", sequence: 5, bytes: Uint8Array.of(65) });
  });

  test("of numbered keys it says how many were typed", () => {
    expect(decode(Uint8Array.from([5, 0, 0, 0, 0, 0, 0, 1, 2]))).toEqual({ type: "typed", sequence: 258 });
  });

  test("a state keeps what is known and says null for the rest", () => {
    const frame = decode(json(1, { session: "main", size: { cols: 80, rows: 24 }, clients: 2, exit: 0, later: true }));
    expect(frame).toEqual({
      type: "state",
      state: { session: "main", id: null, size: { cols: 80, rows: 24 }, clients: 2, title: null, cwd: null, exit: 0, typed: null },
    });
  });

  test("a notice says what was skipped", () => {
    expect(decode(json(2, { skipped: { from: 10, to: 90 } }))).toEqual({
      type: "notice",
      skipped: { from: 10, to: 90 },
      message: null,
    });
  });

  test("a notice says what was wrong", () => {
    expect(decode(json(2, { error: "no" }))).toEqual({ type: "notice", skipped: null, message: "no" });
  });

  test("a snapshot carries the number after the last byte that it shows", () => {
    const frame = decode(Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0, 9, 27));
    expect(frame).toEqual({ type: "snapshot", sequence: 9, bytes: Uint8Array.of(27) });
  });

  test("a pong is a pong", () => {
    expect(decode(Uint8Array.of(3))).toEqual({ type: "pong" });
  });

  test.each([
    ["an empty frame", Uint8Array.of()],
    ["an unknown type", Uint8Array.of(9, 1)],
    ["output without its number", Uint8Array.of(0, 1, 2)],
    ["a number beyond what is exact", Uint8Array.of(0, 255, 255, 255, 255, 255, 255, 255, 255)],
    ["a state that is no JSON", Uint8Array.of(1, 123)],
    ["a state that is no object", json(1, [1])],
  ])("%s is refused", (_name, bytes) => {
    expect(() => decode(bytes)).toThrow(FrameError);
  });
});
