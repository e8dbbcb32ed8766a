// How long to wait before the next attempt to connect.

export const FIRST_PAUSE_MS = 250;
export const LONGEST_PAUSE_MS = 8_000;

/** Doubles with each failed attempt and is spread by up to a half, so that clients do not return all at once. */
export function pauseBefore(attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 16));
  return Math.round(whole * (0.5 + random() / 2));
}
