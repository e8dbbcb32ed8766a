import { beforeEach, describe, expect, test } from "vitest";
import { MAX_KEPT_BYTES } from "./keys";
import { ack, input, numberedKeys, ping, resize } from "./protocol";
import { ACK_STEP_BYTES, PING_EVERY_MS, PONG_WITHIN_MS, TerminalSocket, type Wire } from "./socket";

const utf8 = new TextEncoder();

/** Plays the host's end of one WebSocket. */
class FakeWire implements Wire {
  binaryType: BinaryType = "blob";
  readyState = 0;
  onopen: Wire["onopen"] = null;
  onmessage: Wire["onmessage"] = null;
  onclose: Wire["onclose"] = null;
  sent: number[][] = [];
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  send(bytes: Uint8Array): void {
    this.sent.push([...bytes]);
  }

  close(): void {
    this.readyState = 3;
  }

  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  drops(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1006, reason: "" });
  }

  ends(code: number, reason: string): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  outputs(sequence: number, text: string): void {
    const head = ack(sequence).subarray(1);
    this.says([0, ...head, ...utf8.encode(text)]);
  }

  tells(type: number, members: unknown): void {
    this.says([type, ...utf8.encode(JSON.stringify(members))]);
  }

  says(bytes: number[]): void {
    this.onmessage?.({ data: Uint8Array.from(bytes).buffer });
  }
}

/** A terminal with a clock and a network that the test moves by hand. */
class Bench {
  wires: FakeWire[] = [];
  timers: { ms: number; act: () => void }[] = [];
  shown = "";
  skipped: number[] = [];
  states: string[] = [];
  resets = 0;
  endings: string[] = [];
  consume: (() => void)[] = [];
  readonly socket: TerminalSocket;

  constructor() {
    const url = (size: { cols: number; rows: number }, since: number | null, id: string | null) =>
      `${size.cols}x${size.rows}@${since ?? "start"}${id === null ? "" : ` of ${id}`}`;
    const events = {
      onOutput: (bytes: Uint8Array, consumed: () => void) => {
        this.shown += new TextDecoder().decode(bytes);
        this.consume.push(consumed);
      },
      onConnection: (state: string) => void this.states.push(state),
      onState: () => undefined,
      onSkipped: (bytes: number) => void this.skipped.push(bytes),
      onReset: () => void (this.resets += 1),
      onEnding: ({ code, reason }: { code: number; reason: string }) => void this.endings.push(`${code} ${reason}`),
    };
    const around = {
      connect: (to: string) => {
        const wire = new FakeWire(to);
        this.wires.push(wire);
        return wire;
      },
      after: (ms: number, act: () => void) => {
        const timer = { ms, act };
        this.timers.push(timer);
        return () => void (this.timers = this.timers.filter((other) => other !== timer));
      },
      random: () => 1,
    };
    this.socket = new TerminalSocket(url, { cols: 80, rows: 24 }, events, around);
    this.socket.start();
  }

  get wire(): FakeWire {
    const wire = this.wires.at(-1);
    if (!wire) throw new Error("no connection was made");
    return wire;
  }

  /** Lets the one timer that waits run out, and gives its length. */
  timePasses(): number {
    const timer = this.timers.shift();
    if (!timer) throw new Error("nothing waits");
    timer.act();
    return timer.ms;
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe("a dropped connection", () => {
  test("resumes after the last byte that came", () => {
    bench.wire.opens();
    bench.wire.outputs(100, "hello");
    bench.wire.drops();
    bench.timePasses();
    expect(bench.wires.map((wire) => wire.url)).toEqual(["80x24@start", "80x24@105"]);
    expect(bench.states).toEqual(["connecting", "open", "waiting", "connecting"]);
  });

  test("shows no byte twice when the host repeats some", () => {
    bench.wire.opens();
    bench.wire.outputs(0, "hello ");
    bench.wire.drops();
    bench.timePasses();
    bench.wire.opens();
    bench.wire.outputs(0, "hello wor");
    bench.wire.outputs(9, "ld");
    expect([bench.shown, bench.skipped]).toEqual(["hello world", []]);
  });

  test("keeps keystrokes and sends them in order when it is back", () => {
    bench.wire.opens();
    bench.wire.drops();
    bench.socket.type("l");
    bench.socket.type("s\r");
    bench.timePasses();
    bench.wire.opens();
    bench.wire.tells(1, { session: "main", id: "p1", typed: 0 });
    expect(bench.wire.sent).toEqual([[...resize({ cols: 80, rows: 24 })], [...numberedKeys(0, utf8.encode("ls\r"))]]);
  });

  test("sends again what may be lost, and nothing that was typed", () => {
    bench.wire.opens();
    bench.wire.tells(1, { session: "main", id: "p1", typed: 0 });
    bench.socket.type("ls");
    bench.wire.says([5, ...ack(1).subarray(1)]);
    bench.wire.drops();
    bench.timePasses();
    bench.wire.opens();
    bench.wire.tells(1, { session: "main", id: "p1", typed: 1 });
    bench.socket.type("\r");
    expect(bench.wire.sent.slice(1)).toEqual([[...numberedKeys(1, utf8.encode("s"))], [...numberedKeys(2, utf8.encode("\r"))]]);
  });

  test("types nothing into another shell that was sent to the one before", () => {
    bench.wire.opens();
    bench.wire.tells(1, { session: "main", id: "p1", typed: 0 });
    bench.socket.type("rm x\r");
    bench.wire.drops();
    bench.timePasses();
    bench.wire.opens();
    bench.wire.tells(1, { session: "main", id: "p2", typed: 0 });
    expect(bench.wire.sent.slice(1)).toEqual([]);
  });

  test("a runtime that counts no keys gets them without numbers", () => {
    bench.wire.opens();
    bench.socket.type("l");
    bench.wire.tells(1, { session: "main", id: "p1" });
    bench.socket.type("s");
    expect(bench.wire.sent.slice(1)).toEqual([[...input("l")], [...input("s")]]);
  });

  test("says so when more is typed than can be kept", () => {
    expect(bench.socket.type("x".repeat(MAX_KEPT_BYTES))).toBe(true);
    expect(bench.socket.type("y")).toBe(false);
  });

  test("is tried again later and later, but never later than eight seconds", () => {
    const pauses = Array.from({ length: 8 }, () => {
      bench.wire.drops();
      return bench.timePasses();
    });
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
  });

  test("is tried soon again once output had come", () => {
    bench.wire.drops();
    bench.timePasses();
    bench.wire.opens();
    bench.wire.outputs(0, "x");
    bench.wire.drops();
    expect(bench.timePasses()).toBe(250);
  });

  test("resumes in the output that it saw", () => {
    bench.wire.opens();
    bench.wire.tells(1, { session: "main", id: "p1" });
    bench.wire.outputs(0, "hello");
    bench.wire.drops();
    bench.timePasses();
    expect(bench.wires.at(-1)?.url).toBe("80x24@5 of p1");
  });

  test("can be tried at once", () => {
    bench.wire.drops();
    bench.socket.retryNow();
    expect(bench.wires).toHaveLength(2);
    expect(bench.timers).toEqual([]);
  });
});

describe("a silent connection", () => {
  test("is given up when no pong comes", () => {
    bench.wire.opens();
    expect(bench.timePasses()).toBe(PING_EVERY_MS);
    expect(bench.wire.sent.at(-1)).toEqual([...ping()]);
    expect(bench.timePasses()).toBe(PONG_WITHIN_MS);
    expect(bench.states.at(-1)).toBe("waiting");
  });

  test("lives on with a pong", () => {
    bench.wire.opens();
    bench.timePasses();
    bench.wire.says([3]);
    expect(bench.timers.map((timer) => timer.ms)).toEqual([PING_EVERY_MS]);
  });
});

describe("flow control", () => {
  test("the host hears when everything that came was consumed", () => {
    bench.wire.opens();
    bench.wire.outputs(0, "abc");
    bench.consume.forEach((consumed) => consumed());
    expect(bench.wire.sent.at(-1)).toEqual([...ack(3)]);
  });

  test("while output piles up it hears in steps", () => {
    bench.wire.opens();
    const half = "x".repeat(ACK_STEP_BYTES / 2);
    [0, 1, 2].forEach((part) => bench.wire.outputs((part * ACK_STEP_BYTES) / 2, half));
    bench.wire.sent = [];
    bench.consume[0]?.();
    bench.consume[1]?.();
    expect(bench.wire.sent).toEqual([[...ack(ACK_STEP_BYTES)]]);
  });

  test("what the last connection brought is not acknowledged on the next", () => {
    bench.wire.opens();
    bench.wire.outputs(0, "abc");
    bench.wire.drops();
    bench.timePasses();
    bench.wire.opens();
    bench.wire.sent = [];
    bench.consume[0]?.();
    expect(bench.wire.sent).toEqual([]);
  });
});

describe("output that did not come", () => {
  test("is reported once when the host names it", () => {
    bench.wire.opens();
    bench.wire.outputs(0, "ab");
    bench.wire.tells(2, { skipped: { from: 2, to: 52 } });
    bench.wire.outputs(52, "c");
    expect([bench.shown, bench.skipped]).toEqual(["abc", [50]]);
  });

  test("is reported also when the host just goes on later", () => {
    bench.wire.opens();
    bench.wire.outputs(0, "ab");
    bench.wire.outputs(10, "c");
    expect(bench.skipped).toEqual([8]);
  });

  test("another PTY starts anew", () => {
    bench.wire.opens();
    bench.wire.tells(1, { session: "main", id: "p1" });
    bench.wire.outputs(500, "old");
    bench.wire.tells(1, { session: "main", id: "p2" });
    bench.wire.outputs(0, "new");
    expect([bench.shown, bench.skipped, bench.resets]).toEqual(["oldnew", [], 1]);
  });
});

describe("the host's last word", () => {
  test.each([4000, 4001, 4003, 4004, 4005])("%s ends it for good", (code) => {
    bench.wire.opens();
    bench.wire.ends(code, "why");
    expect([bench.states.at(-1), bench.timers, bench.endings]).toEqual(["closed", [], [`${code} why`]]);
  });

  test.each([4002, 4006, 1012])("%s is told, and the connection tried again", (code) => {
    bench.wire.opens();
    bench.wire.ends(code, "why");
    expect([bench.states.at(-1), bench.timers.length, bench.endings]).toEqual(["waiting", 1, [`${code} why`]]);
  });

  test("a connection that just broke has none", () => {
    bench.wire.opens();
    bench.wire.drops();
    expect(bench.endings).toEqual([]);
  });
});

test("a snapshot is shown and not counted", () => {
  bench.wire.opens();
  bench.wire.outputs(0, "abc");
  bench.wire.says([4, ...ack(3).subarray(1), ...utf8.encode("[screen]")]);
  bench.wire.outputs(3, "def");
  expect([bench.shown, bench.skipped]).toEqual(["abc[screen]def", []]);
});

test("a frame that is not the protocol's ends the connection and another is tried", () => {
  bench.wire.opens();
  bench.wire.says([77]);
  expect(bench.states.at(-1)).toBe("waiting");
});

test("a stopped terminal stays stopped", () => {
  const wire = bench.wire;
  wire.opens();
  bench.socket.stop();
  wire.drops();
  expect([bench.states.at(-1), bench.timers.length, wire.readyState]).toEqual(["closed", 0, 3]);
  expect(bench.socket.type("x")).toBe(false);
});
