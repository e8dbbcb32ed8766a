// What a runtime's connections came to, as the events tell it: decisions and downloads, newest first.
import type { TrafficEvent } from "../api";

export interface Decided {
  id: number;
  at: string;
  host: string;
  port: number;
  isAllowed: boolean;
  reason: string;
  /** How often in a row it was decided like this. */
  times: number;
}

export interface Transfer {
  at: string;
  host: string;
  bytes: number;
}

export interface Traffic {
  decided: readonly Decided[];
  transfers: readonly Transfer[];
  /** Numbers the decisions. */
  next: number;
}

export const NO_TRAFFIC: Traffic = { decided: [], transfers: [], next: 1 };

/** So many decisions stay. */
export const MAX_DECIDED = 200;
/** Downloads from so many hosts stay. */
export const MAX_TRANSFERS = 50;

export function noted(traffic: Traffic, event: TrafficEvent): Traffic {
  return event.type === "transfer" ? received(traffic, event) : decided(traffic, event);
}

/** A host has one line, which grows. */
function received(traffic: Traffic, { at, host, received_bytes: bytes }: TrafficEvent & { type: "transfer" }): Traffic {
  const others = traffic.transfers.filter((each) => each.host !== host);
  return { ...traffic, transfers: [{ at, host, bytes }, ...others].slice(0, MAX_TRANSFERS) };
}

/** A program that tries again and again is one line. */
function decided(traffic: Traffic, { at, host, port, allowed, reason }: TrafficEvent & { type: "egress" }): Traffic {
  const [newest, ...older] = traffic.decided;
  if (newest?.host === host && newest.port === port && newest.isAllowed === allowed && newest.reason === reason) {
    return { ...traffic, decided: [{ ...newest, at, times: newest.times + 1 }, ...older] };
  }
  const line = { id: traffic.next, at, host, port, isAllowed: allowed, reason, times: 1 };
  return { ...traffic, decided: [line, ...traffic.decided].slice(0, MAX_DECIDED), next: traffic.next + 1 };
}
