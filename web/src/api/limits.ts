// What a runtime may use, what it uses, and when it will be stopped.
import { CHANGE_TIMEOUT_MS, call, path } from "./http";
import { type Follow, follow } from "./follow";
import { isRecord } from "./problem";
import type { Project } from "./types";

export interface Stats {
  /** Of one CPU. */
  cpu_percent: number;
  memory_usage_mb: number;
  memory_limit_mb: number;
  /** Measured now and then; null where it can't be. */
  disk_usage_mb: number | null;
  disk_age_seconds: number | null;
  pids: number;
}

export type ActivityCause = "start" | "exec" | "process" | "terminal" | "file" | "preview";

export interface Activity {
  last_activity: string | null;
  cause: ActivityCause | null;
  /** Seconds. */
  idle_timeout: number;
  /** Seconds. */
  max_lifetime: number;
  started_at: string | null;
  idle_stop_at: string | null;
  lifetime_ends_at: string | null;
}

/** What a request may ask for; what is left out stays as it is. */
export interface RuntimeConfig {
  /** Such as `512m`. */
  memory_limit?: string;
  cpu_limit?: number;
  disk_limit?: string;
  pids?: number;
  /** Seconds, as the two that follow. */
  command_timeout?: number;
  idle_timeout?: number;
  max_lifetime?: number;
}

export const changeRuntime = (project: string, config: RuntimeConfig): Promise<NonNullable<Project["runtime"]>> =>
  call(path("containers", project), { method: "PATCH", json: { config }, timeoutMs: CHANGE_TIMEOUT_MS });

export const showActivity = (project: string): Promise<Activity> => call(path("containers", project, "activity"));

interface StatsFollower {
  onStats: (stats: Stats) => void;
  onRefused: NonNullable<Follow["onRefused"]>;
}

/** What a runtime uses, each second, while it runs. */
export const followStats = (project: string, { onStats, onRefused }: StatsFollower): (() => void) =>
  follow(path("containers", project, "stats"), {
    onRefused,
    onEvent: ({ data }) => {
      const stats = readStats(data);
      if (stats) onStats(stats);
    },
  });

/** The statistics of an event; null where it is none. */
export function readStats(data: string): Stats | null {
  try {
    const stats: unknown = JSON.parse(data);
    return isRecord(stats) && typeof stats["cpu_percent"] === "number" ? (stats as unknown as Stats) : null;
  } catch {
    return null;
  }
}
