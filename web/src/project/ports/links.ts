// How long a preview's link may last, and which port it opens, in words.
import type { Port } from "../../api";

const HOUR = 3600;
/** Seconds. */
export const LIFETIMES = [HOUR, 24 * HOUR, 7 * 24 * HOUR] as const;
export const LIFETIME_LABELS: Readonly<Record<(typeof LIFETIMES)[number], string>> = {
  [HOUR]: "1 hour",
  [24 * HOUR]: "1 day",
  [7 * 24 * HOUR]: "7 days",
};

export const portText = (port: number | null): string => (port === null ? "whichever the preview shows" : String(port));

/** Those on which somebody listens stand first. */
export const inOrder = (ports: readonly Port[]): Port[] =>
  [...ports].sort((a, b) => Number(b.listening) - Number(a.listening) || a.port - b.port);
