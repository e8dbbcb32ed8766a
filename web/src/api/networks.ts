// What a project's runtime may reach.
import { CHANGE_TIMEOUT_MS, call, path } from "./http";
import type { NetworkMode } from "./types";

export interface NetworkRule {
  /** A name, `*.suffix`, an address, or `*` for any. */
  host: string;
  effect: "allow" | "deny";
  downloads_only: boolean;
  /** `operator`, `project`, `network mode open`, or `learned from …`. */
  source: string;
}

export interface Network {
  mode: NetworkMode;
  /** The first that names a host decides. */
  rules: NetworkRule[];
  ports: number[];
  upload_bytes: number;
  /** What could not be learned of the image's registries. */
  failures: string[];
}

/** The project's own lists. */
export interface NetworkLists {
  allow: string[];
  deny: string[];
}

/** The host may learn the image's registries first. */
export const showNetwork = (project: string): Promise<Network> =>
  call(path("containers", project, "network"), { timeoutMs: CHANGE_TIMEOUT_MS });

export const changeNetwork = (project: string, lists: NetworkLists): Promise<Network> =>
  call(path("containers", project, "network"), { method: "PUT", json: lists, timeoutMs: CHANGE_TIMEOUT_MS });
