// The form that changes a runtime's limits: its fields, what is wrong with them, and what they ask for.
import type { Activity, Limits, RuntimeConfig } from "../../api";
import { durationField, secondsIn, sizeField, sizeIn } from "../../ui/figures";

export const FIELDS = ["memory", "cpu", "disk", "pids", "command", "idle", "lifetime"] as const;
export type Field = (typeof FIELDS)[number];
export type Form = Readonly<Record<Field, string>>;

export const LABELS: Readonly<Record<Field, string>> = {
  memory: "Memory",
  cpu: "CPUs",
  disk: "Disk",
  pids: "Programs at once",
  command: "Longest command",
  idle: "Stop when unused for",
  lifetime: "Stop in any case after",
};

const SIZE = "Write a size such as 512m or 1g.";
const NUMBER = "Write a number above 0, such as 0.5.";
const COUNT = "Write a whole number above 0.";
const DURATION = "Write a duration such as 90s, 15m or 1h 30m.";
const HINTS: Readonly<Record<Field, string>> = {
  memory: SIZE, cpu: NUMBER, disk: SIZE, pids: COUNT, command: DURATION, idle: DURATION, lifetime: DURATION,
};

/** The fields as the limits are now. */
export function formOf(limits: Limits, commandTimeout: number, activity: Activity): Form {
  return {
    memory: sizeField(limits.memory.bytes),
    cpu: String(limits.cpu.cpus),
    disk: sizeField(limits.disk.bytes),
    pids: String(limits.pids.count),
    command: durationField(commandTimeout),
    idle: durationField(activity.idle_timeout),
    lifetime: durationField(activity.max_lifetime),
  };
}

/** What is wrong with a field; null when nothing is. The host decides how much may be asked for. */
export const faultOf = (form: Form, field: Field): string | null => (valueOf(field, form[field]) ? null : HINTS[field]);

/** What differs from the limits as they are; null while a field can't be read. */
export function changesOf(form: Form, before: Form): RuntimeConfig | null {
  const changes: RuntimeConfig = {};
  for (const field of FIELDS) {
    const value = valueOf(field, form[field]);
    if (value === null) return null;
    if (value !== valueOf(field, before[field])) Object.assign(changes, wish(field, form[field].trim(), value));
  }
  return changes;
}

/** A field's value, which is above 0; null where it is none. */
function valueOf(field: Field, text: string): number | null {
  if (field === "memory" || field === "disk") return sizeIn(text) || null;
  if (field === "command" || field === "idle" || field === "lifetime") return secondsIn(text) || null;
  const number = text.trim() === "" ? NaN : Number(text);
  const isGood = Number.isFinite(number) && number > 0 && (field === "cpu" || Number.isInteger(number));
  return isGood ? number : null;
}

function wish(field: Field, text: string, value: number): RuntimeConfig {
  switch (field) {
    case "memory":
      return { memory_limit: text };
    case "disk":
      return { disk_limit: text };
    case "cpu":
      return { cpu_limit: value };
    case "pids":
      return { pids: value };
    case "command":
      return { command_timeout: value };
    case "idle":
      return { idle_timeout: value };
    case "lifetime":
      return { max_lifetime: value };
  }
}
