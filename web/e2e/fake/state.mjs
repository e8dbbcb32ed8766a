// What the fake host remembers: projects in memory, their files, and who listens to events.
import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const TOKEN = "fake-token";
/** Stands in a preview's address: the sandboxed frame sends no cookie when it loads its parts. */
export const PREVIEW_TICKET = "fake-ticket";
/** Until then every connection is refused, as while a host restarts. */
export const away = { until: 0 };
export const projects = new Map();
export const runs = new Map();
const listeners = new Set();
const history = [];

/** A stream of events that a client may join late: it first gets what it missed. */
export class Stream {
  #events = [];
  #listeners = new Set();
  #isOver = false;

  emit(event) {
    this.#events.push(event);
    for (const listener of this.#listeners) listener(event, this.#events.length);
  }

  end() {
    this.#isOver = true;
    for (const listener of this.#listeners) listener(null);
  }

  serve(request, response) {
    const since = Number(request.headers["last-event-id"] ?? 0);
    openSse(response);
    const send = (event, id) => (event ? response.write(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`) : response.end());
    this.#events.slice(since).forEach((event, index) => send(event, since + index + 1));
    if (this.#isOver) return response.end();
    this.#listeners.add(send);
    response.on("close", () => this.#listeners.delete(send));
  }
}

export function openSse(response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": open\n\n");
}

export function announce(event) {
  history.push(event);
  for (const listener of listeners) listener(event, history.length);
}

export function serveEvents(request, response) {
  openSse(response);
  const since = Number(request.headers["last-event-id"] ?? history.length);
  const send = (event, id) => response.write(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
  history.slice(since).forEach((event, index) => send(event, since + index + 1));
  listeners.add(send);
  response.on("close", () => listeners.delete(send));
}

export function newProject(name, kind = "python") {
  const project = {
    id: createHash("sha256").update(name).digest("hex").slice(0, 12),
    name,
    kind,
    created_at: new Date().toISOString(),
    status: "absent",
    files: new Map(),
    root: mkdtempSync(join(tmpdir(), `fake-${name}-`)),
    process: null,
    log: new Stream(),
    terminal: null,
  };
  projects.set(name, project);
  announce({ type: "project", project: name });
  return project;
}

export function setStatus(project, status) {
  project.status = status;
  announce({ type: "runtime", project: project.name, status });
}

export const view = ({ id, name, kind, created_at, status }) => ({
  id,
  name,
  kind,
  created_at,
  runtime: status === "absent" ? null : { status },
});

export const etagOf = (content) => `"${createHash("sha256").update(content).digest("hex").slice(0, 16)}"`;

/** Runs `act` after a moment, so that states which pass can be seen. */
export const soon = (ms, act) => setTimeout(act, ms).unref();

export function problem(response, status, code, detail, extra = {}) {
  response.writeHead(status, { "content-type": "application/problem+json", "x-request-id": "req-7f3a" });
  response.end(JSON.stringify({ type: "about:blank", title: code, status, detail, code, request_id: "req-7f3a", ...extra }));
}
