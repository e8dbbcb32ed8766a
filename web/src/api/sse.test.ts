import { describe, expect, test } from "vitest";
import { MAX_EVENT_CHARS, SseParser } from "./sse";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("server-sent events", () => {
  test("an event has its id, name and data", () => {
    expect(new SseParser().push(bytes('id: 7\nevent: run\ndata: {"a":1}\n\n'))).toEqual([
      { id: "7", event: "run", data: '{"a":1}' },
    ]);
  });

  test("data lines are joined and comments are left out", () => {
    expect(new SseParser().push(bytes(": keep-alive\ndata: one\ndata:two\n\n"))).toEqual([
      { id: null, event: "message", data: "one\ntwo" },
    ]);
  });

  test("cutting the stream at any byte changes nothing", () => {
    const stream = bytes("id: 1\r\ndata: grüße 🚢\r\n\r\nid: 2\ndata: b\n\n");
    const whole = new SseParser().push(stream);
    for (let cut = 1; cut < stream.length; cut += 1) {
      const parser = new SseParser();
      const events = [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))];
      expect(events).toEqual(whole);
    }
    expect(whole.map((event) => event.data)).toEqual(["grüße 🚢", "b"]);
  });

  test("an id stays until another one comes, also from the stream before", () => {
    const events = new SseParser("40").push(bytes("data: a\n\nid: 41\ndata: b\n\ndata: c\n\n"));
    expect(events.map((event) => event.id)).toEqual(["40", "41", "41"]);
  });

  test("an event that was not ended by an empty line is not given", () => {
    expect(new SseParser().push(bytes("data: half\n"))).toEqual([]);
  });

  test("the server's wish for the pause before a reconnect is kept", () => {
    const parser = new SseParser();
    parser.push(bytes("retry: 1500\n\n"));
    expect(parser.retryMs).toBe(1500);
  });

  test("an endless line is refused instead of held", () => {
    const parser = new SseParser();
    expect(() => parser.push(bytes(`data: ${"x".repeat(MAX_EVENT_CHARS)}`))).toThrow("too long");
  });
});
