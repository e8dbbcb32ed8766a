// How a plugin is, in a word and a sentence, and what can be done about it.
import type { Plugin, PluginAction } from "../api";
import { awayText } from "../ui/figures";

export interface Health {
  word: string;
  tone: "good" | "warn" | "bad" | "still";
  why: string | null;
}

export function healthOf({ state, reason, quarantine }: Plugin, nowMs: number): Health {
  if (state === "failed") return { word: "failed", tone: "bad", why: reason };
  if (state === "disabled") return { word: "disabled", tone: "still", why: "It is kept, and not asked." };
  if (quarantine) {
    const why = `It failed too often and is left alone; it is tried again ${awayText(quarantine.retry_at, nowMs)}. Last: ${quarantine.last_fault}`;
    return { word: "quarantined", tone: "bad", why };
  }
  if (state === "unbound") return { word: "not used", tone: "warn", why: "Nothing is bound to it, so nobody asks it." };
  return { word: "live", tone: "good", why: null };
}

/** What a user may want to do with it, the likeliest first. */
export function actionsOf({ enabled, quarantine, previous }: Plugin): PluginAction[] {
  const actions: PluginAction[] = enabled && !quarantine ? [] : ["enable"];
  if (enabled) actions.push("disable");
  if (previous) actions.push("rollback");
  return actions;
}

/** What a rollback brings back. */
export function previousText({ previous, versions }: Plugin): string {
  if (previous === null) return "";
  const version = versions.find(({ digest }) => digest === previous);
  return version ? version.version : previous === "built-in" ? "the built-in version" : shortDigest(previous);
}

export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);

/** Microseconds as people read them. */
export function tookText(us: number): string {
  if (us < 1_000) return `${us} µs`;
  return us < 1_000_000 ? `${(us / 1_000).toFixed(us < 10_000 ? 1 : 0)} ms` : `${(us / 1_000_000).toFixed(1)} s`;
}
