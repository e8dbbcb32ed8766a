// Plugins, and what the policies among them say of a command. For administrators.
import { CHANGE_TIMEOUT_MS, call, path } from "./http";
import type { Page } from "./types";

export interface PluginVersion {
  digest: string;
  version: string;
  source: string;
  signed_by: string | null;
  installed_by: string;
  installed_at: string;
}

export interface PluginBinding {
  id: string;
  /** Id of the one project that it is for. */
  project: string | null;
  position: number;
  mode: "enforce" | "shadow";
  on_error: "deny" | "allow";
}

export interface Plugin {
  name: string;
  roles: string[];
  version: string;
  summary: string;
  digest: string;
  state: "live" | "unbound" | "disabled" | "failed";
  reason: string | null;
  /** Set while it failed so often that it is not asked. */
  quarantine: { since: string; last_fault: string; retry_at: string } | null;
  enabled: boolean;
  built_in: boolean;
  /** What a rollback brings back. */
  previous: string | null;
  asked: string[];
  granted: string[];
  bindings: PluginBinding[];
  versions: PluginVersion[];
}

export type Risk = "safe" | "moderate" | "dangerous" | "blocked";

/** What one policy says. */
export interface Opinion {
  policy: string;
  mode: "enforce" | "shadow";
  allow: boolean;
  risk: Risk;
  rule: string;
  reason: string;
  advice: string | null;
  /** Why it gave no verdict of its own. */
  fault: string | null;
  took_us: number;
}

/** What the chain decides. */
export interface Decision {
  allow: boolean;
  risk: Risk;
  policy: string;
  rule: string;
  reason: string;
  advice: string | null;
  sanitised: string | null;
  took_us: number;
  policies: Opinion[];
}

export type Channel = "exec" | "process" | "agent";

export async function listPlugins(): Promise<Plugin[]> {
  const { plugins } = await call<Page & { plugins: Plugin[] }>(path("admin", "plugins"));
  return plugins;
}

export type PluginAction = "enable" | "disable" | "rollback";

/** A plugin that comes back may have to be compiled first. */
export const changePlugin = (name: string, action: PluginAction): Promise<Plugin> =>
  call(path("admin", "plugins", name, action), { method: "POST", timeoutMs: CHANGE_TIMEOUT_MS });

/** What would be decided; nothing runs. */
export const evaluate = (question: { command: string; channel: Channel; project?: string }): Promise<Decision> =>
  call(path("admin", "policies", "evaluate"), { method: "POST", json: question });
