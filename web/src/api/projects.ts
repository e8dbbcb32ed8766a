// Projects and the runs that build them.
import { CHANGE_TIMEOUT_MS, call, path } from "./http";
import { follow } from "./follow";
import { read } from "./read";
import type { HostEvent, Kind, Page, Project, Run, RunEvent } from "./types";

/** The dashboard shows this many projects; beyond it, it says so. */
export const MAX_PROJECTS_SHOWN = 200;

export const listProjects = (signal?: AbortSignal): Promise<Page & { projects: Project[] }> =>
  call(`${path("projects")}?limit=${MAX_PROJECTS_SHOWN}`, signal ? { signal } : {});

export const showProject = (project: string): Promise<Project> => call(path("projects", project));

export const deleteProject = (project: string): Promise<unknown> =>
  call(path("projects", project), { method: "DELETE", timeoutMs: CHANGE_TIMEOUT_MS });

/** Starts a run that builds `project` from a prompt. Without a kind the agent chooses one. */
export async function generate(project: string, prompt: string, kind: Kind | null): Promise<{ run_id: string; job_id: string }> {
  if (kind) await call(path("projects"), { method: "POST", json: { name: project, kind } });
  return call(path("projects", project, "generate"), { method: "POST", json: { prompt, run: true } });
}

export const showRun = (run: string): Promise<Run> => call(path("runs", run));

export const cancelRun = (run: string): Promise<unknown> => call(path("runs", run, "cancel"), { method: "POST" });

export interface RunFollower {
  onEvent: (event: RunEvent) => void;
  onRefused: (error: Error) => void;
}

/** Follows a run from its beginning; ends by itself when the run has ended. */
export function followRun(run: string, { onEvent, onRefused }: RunFollower): () => void {
  const stop = follow(path("runs", run, "events"), {
    onRefused,
    onEvent: ({ data }) => {
      const told = read(data) as RunEvent | { type: "cancelled" } | null;
      if (!told) return;
      // To whoever watches, a run that was cancelled is one that failed for a reason.
      const event: RunEvent = told.type === "cancelled" ? { type: "failed", error: "The run was cancelled." } : told;
      onEvent(event);
      if (event.type === "done" || event.type === "failed") stop();
    },
  });
  return stop;
}

export const followHost = (
  onEvent: (event: HostEvent) => void,
  onConnection: (state: "connecting" | "open" | "waiting" | "closed") => void,
): (() => void) =>
  follow(path("events"), {
    onConnection,
    onEvent: ({ data }) => {
      const event = read(data) as HostEvent | null;
      if (event) onEvent(event);
    },
  });
