// What a terminal's connection needs of the browser, so that tests can play the host and the clock.

/** Why the host ended the connection. */
export interface Ending {
  code: number;
  reason: string;
}

/** The part of WebSocket that is used, so that tests can play the host. */
export interface Wire {
  binaryType: BinaryType;
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: Ending) => void) | null;
  send(bytes: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface Surroundings {
  connect: (url: string, protocol: string) => Wire;
  after: (ms: number, act: () => void) => () => void;
  random: () => number;
}

export const browser: Surroundings = {
  connect: (url, protocol) => new WebSocket(url, protocol) as unknown as Wire,
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
