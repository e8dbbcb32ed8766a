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
  runtime: ({ status: RuntimeState; reason?: string | null } & Partial<RuntimeFacts>) | null;
}

/** What is known of a runtime besides its state. */
export interface RuntimeFacts {
  engine: string;
  network: NetworkMode;
  limits: Limits;
  /** Longest time of one command, in seconds. */
  command_timeout: number;
  /** How often in a row it ended by itself. */
  restarts: number;
  /** When it is started again, where it waits for that. */
  retry_at: string | null;
}

/** `hard`, `soft`, or `none: why`. */
export type Enforcement = string;

export interface Limits {
  memory: { bytes: number; enforcement: Enforcement };
  cpu: { cpus: number; enforcement: Enforcement };
  pids: { count: number; enforcement: Enforcement };
  disk: { bytes: number; enforcement: Enforcement };
  tmp: { bytes: number; enforcement: Enforcement };
  open_files: { count: number; enforcement: Enforcement };
}

export type NetworkMode = "none" | "registries" | "open";

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
  "queued",
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
  | { type: "plugin"; name: string }
  | PortEvent
  | TrafficEvent;

/** Somebody in the runtime began, or ceased, to listen on a port. */
export interface PortEvent {
  type: "port";
  project: string;
  port: number;
  open: boolean;
}

/** A connection that was decided, or bytes that came: `received_bytes` is all of that host so far. */
export type TrafficEvent =
  | { type: "egress"; project: string; at: string; host: string; port: number; allowed: boolean; reason: string }
  | { type: "transfer"; project: string; at: string; host: string; received_bytes: number };

export type ExecEvent =
  | { type: "status"; data: string }
  | { type: "stdout" | "stderr"; data: string; encoding?: "base64" }
  | { type: "exit"; data: number; success: boolean; duration_ms?: number; reason?: string };

export interface LogLine {
  type: "stdout" | "stderr" | "status";
  data: string;
  encoding?: "base64";
}
