// The ports of a runtime, and the links that show its preview to others.
import { call, path } from "./http";
import type { Page } from "./types";

export interface Port {
  port: number;
  listening: boolean;
  exposed: boolean;
  /** The port of the host that leads there now. */
  host_port: number | null;
  preview_url: string;
}

export interface PreviewLink {
  id: string;
  /** Null is whichever port the preview shows. */
  port: number | null;
  created_by: string;
  created_at: string;
  expires_at: string;
}

/** A link whose address is told this once. */
export interface NewLink {
  id: string;
  url: string;
  port: number | null;
  expires_at: string;
}

export async function listPorts(project: string): Promise<Port[]> {
  const { ports } = await call<{ ports: Port[] }>(path("containers", project, "ports"));
  return ports;
}

export async function listLinks(project: string): Promise<PreviewLink[]> {
  const { links } = await call<Page & { links: PreviewLink[] }>(path("containers", project, "preview", "links"));
  return links;
}

export const createLink = (project: string, link: { port?: number; expires_in: number }): Promise<NewLink> =>
  call(path("containers", project, "preview", "links"), { method: "POST", json: link });

export const revokeLink = (project: string, link: string): Promise<unknown> =>
  call(path("containers", project, "preview", "links", link), { method: "DELETE" });
