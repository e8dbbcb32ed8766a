// A project's runtime: its states, its one process, its commands, its terminal, its preview.
import { CHANGE_TIMEOUT_MS, call, path } from "./http";
import { type Follow, follow, streamOnce } from "./follow";
import { ApiError } from "./problem";
import { read } from "./read";
import type { ExecEvent, Kind, LogLine, Process } from "./types";
import type { Size } from "./terminal/protocol";

/** A kind for a project that has none yet: the offline agent's projects are Python ones. */
const FIRST_KIND: Kind = "python";

const change = (project: string, verb: string, json?: unknown): Promise<unknown> =>
  call(path("containers", project, verb), { method: "POST", json: json ?? {}, timeoutMs: CHANGE_TIMEOUT_MS });

export const createRuntime = (project: string, kind: Kind | null): Promise<unknown> =>
  change(project, "create", { project_type: kind ?? FIRST_KIND });
export const startRuntime = (project: string): Promise<unknown> => change(project, "start");
export const stopRuntime = (project: string): Promise<unknown> => change(project, "stop");
export const restartRuntime = (project: string): Promise<unknown> => change(project, "restart");
export const deleteRuntime = (project: string): Promise<unknown> =>
  call(path("containers", project), { method: "DELETE", timeoutMs: CHANGE_TIMEOUT_MS });

/** The process, or null when none was ever started. */
export async function showProcess(project: string): Promise<Process | null> {
  try {
    return await call<Process | null>(path("containers", project, "process"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export interface StartProcess {
  command: string;
  port?: number;
}

export const startProcess = (project: string, request: StartProcess): Promise<Process> =>
  call(path("containers", project, "process"), { method: "POST", json: request });

export const stopProcess = (project: string): Promise<unknown> =>
  call(path("containers", project, "process"), { method: "DELETE" });

export interface LogFollower {
  onLine: (line: LogLine) => void;
  onRefused: NonNullable<Follow["onRefused"]>;
}

export const followLogs = (project: string, { onLine, ...rest }: LogFollower): (() => void) =>
  follow(`${path("containers", project, "process", "logs")}?follow=true`, {
    ...rest,
    onEvent: ({ data }) => {
      const line = read(data) as LogLine | null;
      if (line) onLine(line);
    },
  });

/** Runs one command; ending the signal ends the command. */
export async function* exec(project: string, command: string, signal: AbortSignal): AsyncGenerator<ExecEvent> {
  const events = streamOnce(path("containers", project, "exec"), { method: "POST", json: { command }, signal });
  for await (const { data } of events) {
    const event = read(data) as ExecEvent | null;
    if (event) yield event;
  }
}

/** The terminal's address for a WebSocket, which follows the page's own scheme and host. */
export function terminalUrl(
  project: string,
  session: string,
  { cols, rows }: Size,
  since: number | null,
  id: string | null,
  client: string,
): string {
  const query = new URLSearchParams({ cols: String(cols), rows: String(rows), session, client });
  if (since !== null) query.set("since", String(since));
  if (since !== null && id !== null) query.set("id", id);
  const url = new URL(`${path("containers", project, "terminal")}?${query.toString()}`, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** Leads on to the preview: on an origin of its own, or by path where the browser can't reach that. */
export const previewPath = (project: string, port?: number): string =>
  path("containers", project, "preview", "open") + (port === undefined ? "" : `?port=${port}`);
