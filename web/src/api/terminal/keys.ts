// Keystrokes, kept until the runtime says that they were typed: what a dropped connection may
// have lost is sent again. They are numbered from the first one on.

/** Keys that are kept at most; more are not taken. */
export const MAX_KEPT_BYTES = 1024 * 1024;
/** Keys sent in one frame. */
const PIECE_BYTES = 32 * 1024;

export interface Piece {
  /** Number of the first key. */
  number: number;
  keys: Uint8Array;
}

export class Keys {
  #kept = new Uint8Array();
  #first = 0;
  /** Number after the last key that was sent over this connection. */
  #sent = 0;

  /** False where there is no room for them. */
  add(keys: Uint8Array): boolean {
    if (this.#kept.length + keys.length > MAX_KEPT_BYTES) return false;
    const kept = new Uint8Array(this.#kept.length + keys.length);
    kept.set(this.#kept);
    kept.set(keys, this.#kept.length);
    this.#kept = kept;
    return true;
  }

  /** What is to be sent next. */
  next(): Piece | null {
    const keys = this.#kept.slice(this.#sent - this.#first).subarray(0, PIECE_BYTES);
    if (keys.length === 0) return null;
    const number = this.#sent;
    this.#sent += keys.length;
    return { number, keys };
  }

  /** All keys before this number were typed. */
  typed(number: number): void {
    if (number <= this.#first) return;
    this.#kept = this.#kept.slice(number - this.#first);
    this.#first = number;
    this.#sent = Math.max(this.#sent, number);
  }

  /** All that were sent are the runtime's concern: it does not count them. */
  letGo(): void {
    this.typed(this.#sent);
  }

  /** The runtime has typed those before this number, and is to get all others, again where they were sent. */
  resumeAt(number: number): void {
    const isKnown = number >= this.#first && number <= this.#first + this.#kept.length;
    if (isKnown) this.typed(number);
    else this.beginAnew(number);
    this.#sent = this.#first;
  }

  /** Another shell answers: what was sent to the one before is not meant for it. */
  beginAnew(number: number): void {
    this.#kept = this.#kept.slice(this.#sent - this.#first);
    this.#first = this.#sent = number;
  }
}
