// Reads server-sent events from bytes, however the network cuts them.

export interface ServerEvent {
  /** The last `id:` seen, which resumes the stream; null before the first. */
  id: string | null;
  event: string;
  data: string;
}

/** A line or an event longer than this is not ours; the stream is given up instead of the memory. */
export const MAX_EVENT_CHARS = 8 * 1024 * 1024;

/** Turns chunks of bytes into events. One parser reads one response. */
export class SseParser {
  retryMs: number | null = null;
  #decoder = new TextDecoder();
  #rest = "";
  #id: string | null;
  #event = "";
  #data: string[] = [];
  #size = 0;

  constructor(lastId: string | null = null) {
    this.#id = lastId;
  }

  push(chunk: Uint8Array): ServerEvent[] {
    this.#rest += this.#decoder.decode(chunk, { stream: true });
    const events: ServerEvent[] = [];
    for (let line = this.#takeLine(); line !== null; line = this.#takeLine()) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    if (this.#rest.length + this.#size > MAX_EVENT_CHARS) throw new Error("A server-sent event is too long.");
    return events;
  }

  /** The next whole line. A carriage return at the very end may be half of a CR LF, so it waits. */
  #takeLine(): string | null {
    const end = this.#rest.search(/[\r\n]/);
    if (end < 0) return null;
    const isReturn = this.#rest[end] === "\r";
    if (isReturn && end === this.#rest.length - 1) return null;
    const next = isReturn && this.#rest[end + 1] === "\n" ? end + 2 : end + 1;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(next);
    return line;
  }

  #line(line: string): ServerEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    this.#field(field, value);
    return null;
  }

  #field(field: string, value: string): void {
    if (field === "data") {
      this.#data.push(value);
      this.#size += value.length;
    } else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): ServerEvent | null {
    const event = { id: this.#id, event: this.#event || "message", data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    return isEmpty ? null : event;
  }
}
