// A terminal session over a WebSocket that comes back by itself, without losing or doubling output or keys.
//
//            ┌── dropped, no pong, runtime stopped ──────┐
//            ▼                                           │
//   start → waiting ──pause──▶ connecting ──opened──▶ open ──shell ended, denied, stop() …──▶ closed
//            ▲                     │
//            └───── refused ───────┘
import { pauseBefore } from "../backoff";
import { Keys } from "./keys";
import { Position } from "./position";
import { type ServerFrame, type Size, type TerminalState, SUBPROTOCOL, ack, decode, input, numberedKeys, ping, resize } from "./protocol";
import { type Ending, type Surroundings, type Wire, browser } from "./wire";

export type { Ending, Wire };
export type Connection = "connecting" | "open" | "waiting" | "closed";

export interface TerminalEvents {
  /** New output. `consumed` must be called once it is shown: the host waits for that when it is far ahead. */
  onOutput: (bytes: Uint8Array, consumed: () => void) => void;
  onConnection: (state: Connection) => void;
  onState: (state: TerminalState) => void;
  /** Output of so many bytes was left out. */
  onSkipped: (bytes: number) => void;
  /** The host says why it ends the connection. Whether another is tried, `onConnection` tells. */
  onEnding: (ending: Ending) => void;
  /** Another PTY answers: what is shown belongs to the one before. */
  onReset: () => void;
}

export const PING_EVERY_MS = 15_000;
export const PONG_WITHIN_MS = 10_000;
/** The host hears of consumption in steps of this many bytes, not with every frame. */
export const ACK_STEP_BYTES = 32 * 1024;

/** After these the host would say the same again, or begin another shell: ended, closed, denied, gone, taken over. */
const FINAL_CODES = [4000, 4001, 4003, 4004, 4005];
/** Codes in which the host itself speaks. */
const isFromHost = (code: number): boolean => code >= 4000 || code === 1012;

const OPEN = 1;

/** The address for a terminal of this size, from a number on in the output with this name, for a client of that name. */
export type UrlOf = (size: Size, since: number | null, id: string | null, client: string) => string;

/** Whether the runtime counts keys, which its first state tells. */
type Counting = "unknown" | "yes" | "no";

const utf8 = new TextEncoder();

export class TerminalSocket {
  readonly #urlOf: UrlOf;
  readonly #events: TerminalEvents;
  readonly #around: Surroundings;
  readonly #position = new Position();
  #wire: Wire | null = null;
  #size: Size;
  #attempt = 0;
  #acked = 0;
  readonly #client: string;
  readonly #keys = new Keys();
  #counting: Counting = "unknown";
  #pty: string | null = null;
  #isStopped = false;
  #cancelTimer: () => void = () => undefined;

  constructor(urlOf: UrlOf, size: Size, events: TerminalEvents, around = browser) {
    this.#urlOf = urlOf;
    this.#size = size;
    this.#events = events;
    this.#around = around;
    this.#client = Array.from({ length: 4 }, () => around.random().toString(36).slice(2, 8)).join("-");
  }

  start(): void {
    if (this.#isStopped || this.#wire) return;
    this.#cancelTimer();
    this.#events.onConnection("connecting");
    const wire = this.#around.connect(this.#urlOf(this.#size, this.#position.next, this.#pty, this.#client), SUBPROTOCOL);
    wire.binaryType = "arraybuffer";
    wire.onopen = () => this.#opened();
    wire.onmessage = ({ data }) => this.#received(data);
    wire.onclose = (ending) => this.#closed(ending);
    this.#wire = wire;
  }

  /** Ends for good; the session itself lives on in the runtime. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#drop();
    this.#events.onConnection("closed");
  }

  /** Connects now instead of after the pause. */
  retryNow(): void {
    this.#attempt = 0;
    this.start();
  }

  /** Sends keystrokes, or holds them until the connection is back. False when they had to be let go. */
  type(keys: string): boolean {
    if (this.#isStopped || !this.#keys.add(utf8.encode(keys))) return false;
    this.#sendKeys();
    return true;
  }

  resize(size: Size): void {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#send(resize(size));
  }

  #opened(): void {
    this.#events.onConnection("open");
    this.#counting = "unknown";
    this.#send(resize(this.#size));
    this.#pingLater();
  }

  #sendKeys(): void {
    if (this.#counting === "unknown" || this.#wire?.readyState !== OPEN) return;
    for (let piece = this.#keys.next(); piece; piece = this.#keys.next()) {
      this.#send(this.#counting === "yes" ? numberedKeys(piece.number, piece.keys) : input(piece.keys));
    }
    if (this.#counting === "no") this.#keys.letGo();
  }

  #received(data: unknown): void {
    if (!(data instanceof ArrayBuffer)) return;
    let frame: ServerFrame;
    try {
      frame = decode(new Uint8Array(data));
    } catch {
      // Whoever answers does not speak the protocol; a new connection may reach one that does.
      this.#lost();
      return;
    }
    this.#attempt = 0;
    this.#take(frame);
  }

  #take(frame: ServerFrame): void {
    if (frame.type === "output") this.#output(frame.sequence, frame.bytes);
    else if (frame.type === "pong") this.#pingLater();
    else if (frame.type === "state") this.#state(frame.state);
    else if (frame.type === "typed") this.#keys.typed(frame.sequence);
    else if (frame.type === "snapshot") this.#events.onOutput(frame.bytes, () => undefined);
    else if (frame.skipped) this.#skipped(this.#position.skip(frame.skipped.from, frame.skipped.to));
  }

  #output(sequence: number, bytes: Uint8Array): void {
    const { fresh, missed } = this.#position.accept(sequence, bytes);
    this.#skipped(missed);
    if (fresh.length === 0) return;
    const end = sequence + bytes.length;
    const wire = this.#wire;
    this.#events.onOutput(fresh, () => {
      if (wire === this.#wire) this.#consumed(end);
    });
  }

  #consumed(end: number): void {
    const isCaughtUp = end === this.#position.next;
    if (end - this.#acked < ACK_STEP_BYTES && !isCaughtUp) return;
    this.#acked = end;
    this.#send(ack(end));
  }

  #skipped(bytes: number): void {
    if (bytes > 0) this.#events.onSkipped(bytes);
  }

  #state(state: TerminalState): void {
    if (this.#pty !== null && state.id !== null && state.id !== this.#pty) {
      this.#position.reset();
      this.#acked = 0;
      this.#keys.beginAnew(0);
      this.#events.onReset();
    }
    this.#pty = state.id ?? this.#pty;
    this.#count(state.typed);
    this.#events.onState(state);
  }

  #count(typed: number | null): void {
    if (typed !== null) {
      this.#counting = "yes";
      this.#keys.resumeAt(typed);
    } else if (this.#counting === "unknown") {
      this.#counting = "no";
    }
    this.#sendKeys();
  }

  #pingLater(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#around.after(PING_EVERY_MS, () => {
      this.#send(ping());
      this.#cancelTimer = this.#around.after(PONG_WITHIN_MS, () => this.#lost());
    });
  }

  #closed(ending: Ending): void {
    if (isFromHost(ending.code)) this.#events.onEnding(ending);
    if (FINAL_CODES.includes(ending.code)) this.stop();
    else this.#lost();
  }

  #lost(): void {
    if (this.#isStopped || !this.#wire) return;
    this.#drop();
    this.#events.onConnection("waiting");
    this.#cancelTimer = this.#around.after(pauseBefore(this.#attempt, this.#around.random), () => this.start());
    this.#attempt += 1;
  }

  #drop(): void {
    this.#cancelTimer();
    const wire = this.#wire;
    this.#wire = null;
    if (!wire) return;
    wire.onopen = wire.onmessage = wire.onclose = null;
    wire.close();
  }

  #send(frame: Uint8Array<ArrayBuffer>): boolean {
    if (this.#wire?.readyState !== OPEN) return false;
    this.#wire.send(frame);
    return true;
  }
}
