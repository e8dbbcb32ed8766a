// The frames of `lockhouse.terminal.v1`. Each starts with one byte that says what it is.
import { isRecord } from "../problem";

export const SUBPROTOCOL = "lockhouse.terminal.v1";

/** A whole sequence number is 64 bits; the browser counts exactly up to 2^53 bytes, which no terminal reaches. */
const SEQUENCE_BYTES = 8;

const Client = { input: 0, resize: 1, ack: 2, ping: 3, pause: 4, resume: 5, keys: 6 } as const;
const Server = { output: 0, state: 1, notice: 2, pong: 3, snapshot: 4, typed: 5 } as const;

export interface Size {
  cols: number;
  rows: number;
}

/** What the host tells of a session. Members it leaves out are null. */
export interface TerminalState {
  /** The session's name, `main` for the shared one. */
  session: string | null;
  /** Names the output that is numbered: when it changes, sequence numbers start anew. */
  id: string | null;
  size: Size | null;
  clients: number | null;
  title: string | null;
  cwd: string | null;
  /** The shell's exit code once it has ended. */
  exit: number | null;
  /** How many of this client's keys were typed: those after them are to be sent, again where they were. */
  typed: number | null;
}

export type ServerFrame =
  | { type: "output"; sequence: number; bytes: Uint8Array }
  | { type: "state"; state: TerminalState }
  | { type: "notice"; skipped: { from: number; to: number } | null; message: string | null }
  /** What draws the screen as it is after the output before `sequence`. */
  | { type: "snapshot"; sequence: number; bytes: Uint8Array }
  /** All keys before `sequence` were typed. */
  | { type: "typed"; sequence: number }
  | { type: "pong" };

/** Bytes that are no frame of this protocol. */
export class FrameError extends Error {}

const utf8 = new TextEncoder();

export function input(keys: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return frame(Client.input, typeof keys === "string" ? utf8.encode(keys) : keys);
}

/** Keys with the number of the first. */
export function numberedKeys(number: number, keys: Uint8Array): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(SEQUENCE_BYTES + keys.length);
  content.set(sequenceBytes(number));
  content.set(keys, SEQUENCE_BYTES);
  return frame(Client.keys, content);
}

export const resize = ({ cols, rows }: Size): Uint8Array<ArrayBuffer> =>
  frame(Client.resize, utf8.encode(JSON.stringify({ cols, rows })));

/** Tells the host that everything before `sequence` was consumed. */
export function ack(sequence: number): Uint8Array<ArrayBuffer> {
  return frame(Client.ack, sequenceBytes(sequence));
}

/** Asks for no more output until `resume`. */
export const pause = (): Uint8Array<ArrayBuffer> => frame(Client.pause, new Uint8Array());

export const resume = (): Uint8Array<ArrayBuffer> => frame(Client.resume, new Uint8Array());

export const ping = (): Uint8Array<ArrayBuffer> => frame(Client.ping, new Uint8Array());

export function decode(bytes: Uint8Array): ServerFrame {
  const content = bytes.subarray(1);
  switch (bytes[0]) {
    case Server.output:
      return { type: "output", sequence: sequenceOf(content), bytes: content.subarray(SEQUENCE_BYTES) };
    case Server.state:
      return { type: "state", state: stateOf(membersOf(content)) };
    case Server.notice:
      return noticeOf(membersOf(content));
    case Server.pong:
      return { type: "pong" };
    case Server.snapshot:
      return { type: "snapshot", sequence: sequenceOf(content), bytes: content.subarray(SEQUENCE_BYTES) };
    case Server.typed:
      return { type: "typed", sequence: sequenceOf(content) };
    default:
      throw new FrameError(`A terminal frame starts with ${bytes[0] ?? "nothing"}, which this page does not know.`);
  }
}

function frame(type: number, content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(content.length + 1);
  bytes[0] = type;
  bytes.set(content, 1);
  return bytes;
}

function sequenceBytes(sequence: number): Uint8Array {
  const bytes = new Uint8Array(SEQUENCE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(sequence));
  return bytes;
}

function sequenceOf(content: Uint8Array): number {
  if (content.length < SEQUENCE_BYTES) throw new FrameError("An output frame is too short for its sequence number.");
  const sequence = new DataView(content.buffer, content.byteOffset, SEQUENCE_BYTES).getBigUint64(0);
  if (sequence > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError("A sequence number is too large.");
  return Number(sequence);
}

function membersOf(content: Uint8Array): Record<string, unknown> {
  try {
    const members: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
    if (isRecord(members)) return members;
  } catch {
    // Told below: whatever is wrong with it, it is not JSON of ours.
  }
  throw new FrameError("A terminal frame's JSON can't be read.");
}

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);
const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);

function stateOf(members: Record<string, unknown>): TerminalState {
  return {
    session: textOf(members["session"]),
    id: textOf(members["id"]),
    size: sizeOf(members["size"]),
    clients: numberOf(members["clients"]),
    title: textOf(members["title"]),
    cwd: textOf(members["cwd"]),
    exit: numberOf(members["exit"]),
    typed: numberOf(members["typed"]),
  };
}

function sizeOf(value: unknown): Size | null {
  if (!isRecord(value)) return null;
  const [cols, rows] = [numberOf(value["cols"]), numberOf(value["rows"])];
  return cols === null || rows === null ? null : { cols, rows };
}

function noticeOf(members: Record<string, unknown>): ServerFrame {
  const skipped = isRecord(members["skipped"]) ? members["skipped"] : {};
  const [from, to] = [numberOf(skipped["from"]), numberOf(skipped["to"])];
  return {
    type: "notice",
    skipped: from === null || to === null ? null : { from, to },
    message: textOf(members["error"]),
  };
}
