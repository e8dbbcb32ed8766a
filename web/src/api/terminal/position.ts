// Where a terminal stands in its output: nothing may be shown twice, and what was missed must be said.

/** What to do with output that begins at some sequence number. */
export interface Accepted {
  /** The part that was not yet shown; empty when all of it was. */
  fresh: Uint8Array;
  /** How many bytes are missing before it. */
  missed: number;
}

export class Position {
  #next: number | null = null;

  /** The sequence number to resume at; null before the first output. */
  get next(): number | null {
    return this.#next;
  }

  /** Takes output in: what was shown before is cut off, a hole before it is counted. */
  accept(sequence: number, bytes: Uint8Array): Accepted {
    const next = this.#next ?? sequence;
    const shown = Math.min(bytes.length, Math.max(0, next - sequence));
    this.#next = Math.max(next, sequence + bytes.length);
    return { fresh: bytes.subarray(shown), missed: Math.max(0, sequence - next) };
  }

  /** The host says that output up to `to` will not come. Gives how many bytes that leaves out here. */
  skip(from: number, to: number): number {
    const next = this.#next ?? from;
    this.#next = Math.max(next, to);
    return this.#next - next;
  }

  /** Another PTY answers now: its numbers start anew. */
  reset(): void {
    this.#next = null;
  }
}
