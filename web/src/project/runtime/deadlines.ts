// When a runtime will be stopped, and why, in sentences.
import type { Activity, ActivityCause } from "../../api";
import { awayText, clockText, durationText } from "../../ui/figures";

const CAUSES: Readonly<Record<ActivityCause, string>> = {
  start: "being started",
  exec: "a command",
  process: "its process",
  terminal: "a terminal",
  file: "a change of files",
  preview: "its preview",
};

export interface Deadline {
  name: string;
  when: string;
  why: string;
}

/** Both ways in which it ends by itself; none while it does not run. */
export function deadlinesOf(activity: Activity, nowMs: number): Deadline[] {
  const { idle_stop_at: idle, lifetime_ends_at: lifetime } = activity;
  if (!idle || !lifetime) return [];
  return [
    { name: "If nothing uses it", when: whenText(idle, nowMs), why: `${usedText(activity, nowMs)} It may be unused for ${durationText(activity.idle_timeout)}.` },
    { name: "In any case", when: whenText(lifetime, nowMs), why: `It may run for ${durationText(activity.max_lifetime)}.` },
  ];
}

function usedText({ last_activity: at, cause }: Activity, nowMs: number): string {
  if (!at || !cause) return "Nothing used it yet.";
  const ago = awayText(at, nowMs);
  return `Last used ${ago === "now" ? "just now" : ago} by ${CAUSES[cause]}.`;
}

/** A deadline that is over is kept when the host looks next. */
function whenText(time: string, nowMs: number): string {
  if (Date.parse(time) <= nowMs) return "due now";
  return `${clockText(time, nowMs)}, ${awayText(time, nowMs)}`;
}
