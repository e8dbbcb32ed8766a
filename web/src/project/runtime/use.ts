// What a runtime uses, second after second, and how near that is to its limits.
import type { Limits, Stats } from "../../api";
import { sizeText } from "../../ui/figures";

/** The last so many samples stay: two minutes. */
export const MAX_SAMPLES = 120;
const MB = 1024 * 1024;

export interface Use {
  stats: Stats | null;
  /** Of the CPUs that it may use, from 0 to 1. */
  cpu: readonly number[];
  memory: readonly number[];
}

export const NO_USE: Use = { stats: null, cpu: [], memory: [] };

/** Adds a sample. Null begins anew. */
export function sampled(use: Use, sample: { stats: Stats; cpus: number } | null): Use {
  if (!sample) return NO_USE;
  const { stats, cpus } = sample;
  const put = (all: readonly number[], part: number) => [...all, within(part)].slice(-MAX_SAMPLES);
  return {
    stats,
    cpu: put(use.cpu, stats.cpu_percent / 100 / cpus),
    memory: put(use.memory, stats.memory_usage_mb / stats.memory_limit_mb),
  };
}

const within = (part: number): number => (Number.isFinite(part) ? Math.min(1, Math.max(0, part)) : 0);

export interface Gauge {
  name: string;
  /** What is used, and what may be. */
  used: string;
  limit: string;
  /** From 0 to 1; null where it isn't known. */
  part: number | null;
  history: readonly number[];
  enforcement: string;
}

export function gauges({ stats, cpu, memory }: Use, limits: Limits): Gauge[] {
  const part = (used: number, limit: number) => within(used / limit);
  const disk = stats?.disk_usage_mb ?? null;
  return [
    {
      name: "CPU",
      used: stats ? (stats.cpu_percent / 100).toFixed(2) : "–",
      limit: `${limits.cpu.cpus} ${limits.cpu.cpus === 1 ? "CPU" : "CPUs"}`,
      part: stats && part(stats.cpu_percent / 100, limits.cpu.cpus),
      history: cpu,
      enforcement: limits.cpu.enforcement,
    },
    {
      name: "Memory",
      used: stats ? sizeText(stats.memory_usage_mb * MB) : "–",
      limit: sizeText(limits.memory.bytes),
      part: stats && part(stats.memory_usage_mb * MB, limits.memory.bytes),
      history: memory,
      enforcement: limits.memory.enforcement,
    },
    {
      name: "Disk",
      used: disk === null ? "–" : sizeText(disk * MB),
      limit: sizeText(limits.disk.bytes),
      part: disk === null ? null : part(disk * MB, limits.disk.bytes),
      history: [],
      enforcement: limits.disk.enforcement,
    },
    {
      name: "Programs",
      used: stats ? String(stats.pids) : "–",
      limit: String(limits.pids.count),
      part: stats && part(stats.pids, limits.pids.count),
      history: [],
      enforcement: limits.pids.enforcement,
    },
  ];
}

/** How a limit is held, in a word and a sentence. */
export function holdOf(enforcement: string): { word: string; meaning: string; isHeld: boolean } {
  if (enforcement === "hard") return { word: "hard", meaning: "The kernel refuses what is over it.", isHeld: true };
  if (enforcement === "soft") return { word: "soft", meaning: "What is over it is noticed a moment later.", isHeld: true };
  return { word: "not held", meaning: enforcement.replace(/^none:\s*/, ""), isHeld: false };
}

/** The points of a line through samples from 0 to 1, the newest at the right edge. */
export function linePoints(samples: readonly number[], width: number, height: number, most = MAX_SAMPLES): string {
  const step = width / Math.max(1, most - 1);
  const x = (at: number) => width - (samples.length - 1 - at) * step;
  return samples.map((part, at) => `${x(at).toFixed(1)},${((1 - part) * height).toFixed(1)}`).join(" ");
}
