// Sizes, durations and times, written for people and read from them.

const KIB = 1024;
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Such as `1.5 GiB`. */
export function sizeText(bytes: number): string {
  let [size, unit] = [bytes, 0];
  while (size >= KIB && unit < UNITS.length - 1) [size, unit] = [size / KIB, unit + 1];
  const digits = size >= 100 || unit === 0 || Number.isInteger(size) ? 0 : 1;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}

/** As the host takes sizes: the largest whole unit, such as `512m`. */
export function sizeField(bytes: number): string {
  for (const [unit, size] of [["g", KIB ** 3], ["m", KIB ** 2], ["k", KIB]] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** Bytes of a size as the host takes it; null where it is none. */
export function sizeIn(text: string): number | null {
  const match = /^(\d+)([kmg]?)$/.exec(text.trim().toLowerCase());
  if (!match) return null;
  return Number(match[1]) * KIB ** ["", "k", "m", "g"].indexOf(match[2] ?? "");
}

const SPANS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]] as const;

/** At most two units, such as `1 h 30 min`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const first = SPANS.findIndex(([, span]) => whole >= span);
  if (first < 0) return "0 s";
  const [unit, span] = SPANS[first] ?? ["s", 1];
  const [rest, next] = [whole % span, SPANS[first + 1]];
  const more = next && Math.floor(rest / next[1]);
  const head = `${Math.floor(whole / span)} ${unit}`;
  return next && more ? `${head} ${more} ${next[0]}` : head;
}

/** As a field takes durations, without loss: `1h 30m`. */
export function durationField(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const parts = [hours && `${hours}h`, minutes && `${minutes}m`, rest && `${rest}s`].filter(Boolean);
  return parts.join(" ") || "0s";
}

/** Seconds of `90`, `90s`, `15m`, `1h 30m` or `2d`; null where it is none of these. */
export function secondsIn(text: string): number | null {
  const match = /^(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*(?:(\d+)\s*s?)?$/.exec(text.trim().toLowerCase());
  if (!match || text.trim() === "") return null;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part || 0));
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

/** How far a time is from now: `in 5 min`, `2 h ago`, `now`. */
export function awayText(time: string, nowMs: number): string {
  const seconds = Math.round((Date.parse(time) - nowMs) / 1000);
  if (Number.isNaN(seconds)) return time;
  if (Math.abs(seconds) < 5) return "now";
  return seconds > 0 ? `in ${durationText(seconds)}` : `${durationText(-seconds)} ago`;
}

/** A time of day, with its date where that is another one than today's. */
export function clockText(time: string, nowMs: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const isToday = date.toDateString() === new Date(nowMs).toDateString();
  return date.toLocaleString(undefined, isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}
