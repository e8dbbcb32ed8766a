import { expect, test } from "vitest";
import { Keys, MAX_KEPT_BYTES } from "./keys";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (keys: Uint8Array) => new TextDecoder().decode(keys);

function sent(keys: Keys): [number, string][] {
  const all: [number, string][] = [];
  for (let piece = keys.next(); piece; piece = keys.next()) all.push([piece.number, text(piece.keys)]);
  return all;
}

test("keys are sent once over one connection", () => {
  const keys = new Keys();
  keys.add(bytes("ls"));
  expect(sent(keys)).toEqual([[0, "ls"]]);
  keys.add(bytes("\r"));
  expect(sent(keys)).toEqual([[2, "\r"]]);
  expect(sent(keys)).toEqual([]);
});

test("over the next one comes again what was not typed", () => {
  const keys = new Keys();
  keys.add(bytes("abcdef"));
  sent(keys);
  keys.typed(2);
  keys.resumeAt(4);
  expect(sent(keys)).toEqual([[4, "ef"]]);
});

test("what was sent to another shell is not typed into this one, what was not sent is", () => {
  const keys = new Keys();
  keys.add(bytes("rm x\r"));
  sent(keys);
  keys.add(bytes("ls\r"));
  keys.beginAnew(0);
  expect(sent(keys)).toEqual([[0, "ls\r"]]);
});

test("a runtime that has forgotten them begins anew", () => {
  const keys = new Keys();
  keys.add(bytes("abc"));
  sent(keys);
  keys.typed(3);
  keys.add(bytes("def"));
  keys.resumeAt(0);
  expect(sent(keys)).toEqual([[0, "def"]]);
});

test("long pastes are sent in pieces that join", () => {
  const keys = new Keys();
  keys.add(bytes("x".repeat(70_000)));
  expect(sent(keys).map(([number, piece]) => [number, piece.length])).toEqual([
    [0, 32768],
    [32768, 32768],
    [65536, 4464],
  ]);
});

test("no more is kept than there is room for", () => {
  const keys = new Keys();
  expect([keys.add(new Uint8Array(MAX_KEPT_BYTES)), keys.add(bytes("x"))]).toEqual([true, false]);
  sent(keys);
  keys.letGo();
  expect(keys.add(bytes("x"))).toBe(true);
});
