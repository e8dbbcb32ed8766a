// What the host answers, in the words of its contract.

export const KINDS = ["python", "node", "java", "go", "rust", "ruby", "php", "static"] as const;
export type Kind = (typeof KINDS)[number];

export const RUNTIME_STATES = [
  "absent",
  "creating",
  "running",
  "stopping",
  "stopped",
  "restarting",
  "failed",
  "deleting",
] as const;
export type RuntimeState = (typeof RUNTIME_STATES)[number];

export interface Session {
  user: { id: string; role: "learner" | "reviewer" | "admin" };
}

export interface Project {
  id: string;
  name: string;
  kind: Kind | null;
  created_at: string;
  /** Null before the first create. `reason` says why it is in this state, when there is something to say. */
  runtime: { status: RuntimeState; reason?: string | null } | null;
}

export interface FileEntry {
  name: string;
  path: string;
  type: "file" | "directory" | "symlink";
  size: number;
  modified: string;
  etag?: string | null;
}

export interface Page {
  next_cursor: string | null;
}

export type ProcessStatus = "starting" | "running" | "restarting" | "stopping" | "exited" | "stopped" | "failed";

export interface Process {
  command: string;
  status: ProcessStatus;
  port: number | null;
  pid?: number | null;
  exit_code?: number | null;
  started_at?: string | null;
}

export const RUN_STATES = [
  "planning",
  "planned",
  "writing",
  "installing",
  "starting",
  "checking",
  "fixing",
  "done",
  "failed",
] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface Run {
  id: string;
  project?: string;
  prompt?: string;
  state: RunState;
}

export type RunEvent =
  | { type: "state"; state: RunState; message?: string; done?: number; total?: number }
  | { type: "output"; stream: "stdout" | "stderr"; data: string }
  | { type: "file"; path: string }
  | { type: "done"; preview_url?: string | null }
  | { type: "failed"; error: string };

/** What happens to the projects that the caller may see. `project` is the project's name. */
export type HostEvent =
  | { type: "runtime"; project: string; status: RuntimeState; reason?: string | null }
  | { type: "process"; project: string; status: ProcessStatus }
  | { type: "file"; project: string; path?: string }
  | { type: "run"; project: string; run_id: string; state: RunState }
  | { type: "project"; project: string }
  | { type: "job"; job_id: string; status: string }
  | { type: "plugin"; name: string };

export type ExecEvent =
  | { type: "status"; data: string }
  | { type: "stdout" | "stderr"; data: string; encoding?: "base64" }
  | { type: "exit"; data: number; success: boolean; duration_ms?: number; reason?: string };

export interface LogLine {
  type: "stdout" | "stderr" | "status";
  data: string;
  encoding?: "base64";
}
