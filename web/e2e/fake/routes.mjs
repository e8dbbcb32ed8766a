// Every path the screens call, with the shapes the contract gives.
import { closeTerminal, fakeExec, logRequest, startProcess, stopProcess } from "./runtime.mjs";
import { startRun } from "./run.mjs";
import { PREVIEW_TICKET, TOKEN, announce, away, etagOf, newProject, openSse, problem, projects, runs, serveEvents, setStatus, soon, view } from "./state.mjs";

const V1 = "^/api/v1";
const CONTAINER = `${V1}/containers/(?<project>[^/]+)`;
const path = (text) => new RegExp(`${text}$`);

function json(response, value, status = 200, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

function none(response, headers = {}) {
  response.writeHead(204, headers);
  response.end();
}

const known = (handle) => (call) =>
  call.project ? handle(call) : problem(call.response, 404, "project_not_found", "There is no such project.");

function listing(project, directory) {
  const prefix = directory ? `${directory}/` : "";
  const entries = new Map();
  for (const [file, content] of project.files) {
    if (!file.startsWith(prefix)) continue;
    const [name, ...rest] = file.slice(prefix.length).split("/");
    const isFolder = rest.length > 0;
    const type = isFolder ? "directory" : "file";
    entries.set(name, { name, path: prefix + name, type, size: isFolder ? 0 : content.length, modified: project.created_at, etag: isFolder ? null : etagOf(content) });
  }
  return [...entries.values()];
}

function change(transient, final, act = () => undefined) {
  return known(({ project, response }) => {
    setStatus(project, transient);
    soon(700, () => {
      act(project);
      setStatus(project, final);
      json(response, { project_id: project.id, status: final });
    });
  });
}

function stopAll(project) {
  stopProcess(project);
  closeTerminal(project);
}

function putContent({ project, response, request, body, file }) {
  const current = project.files.get(file);
  const expected = request.headers["if-match"];
  if (expected && current && expected !== etagOf(current)) {
    return problem(response, 412, "precondition_failed", "The file changed since it was read.");
  }
  project.files.set(file, body);
  announce({ type: "file", project: project.name, path: file });
  return none(response, { etag: etagOf(body) });
}

function exec({ response, json: read }) {
  const { command } = read();
  if (/rm -rf \//.test(command)) {
    return problem(response, 403, "command_denied", "The command was refused.", {
      risk: "blocked",
      policy: "layered",
      rule: "blocklist.rm-root",
      reason: "This removes the root directory. Name a directory inside the workspace instead.",
    });
  }
  openSse(response);
  return fakeExec(command, (event) => response.write(`data: ${JSON.stringify(event)}\n\n`), () => response.end());
}

function preview({ project, response, request, rest = "" }) {
  if (project.process?.status !== "running") {
    response.writeHead(502, { "content-type": "text/html" });
    return response.end("<p>Nothing listens yet.</p>");
  }
  logRequest(project, `${request.method} /${rest} HTTP/1.1`);
  if (rest === "style.css") {
    response.writeHead(200, { "content-type": "text/css" });
    return response.end("body{font-family:sans-serif;margin:3em;color:#0b4f57}");
  }
  response.writeHead(200, { "content-type": "text/html", "content-security-policy": "sandbox allow-scripts allow-forms" });
  return response.end('<!doctype html><link rel=stylesheet href=style.css><h1>Todo API</h1><p>Try <a href="todos">/todos</a>.</p>');
}

export const routes = [
  ["POST", path(`${V1}/session`), ({ response, json: read }) =>
    read().token === TOKEN
      ? none(response, { "set-cookie": `lockhouse_session=${TOKEN}; HttpOnly; SameSite=Strict; Path=/` })
      : problem(response, 401, "invalid_token", "This token is not known.")],
  ["GET", path(`${V1}/session`), ({ response }) => json(response, { user: { id: "admin", role: "admin" } })],
  ["DELETE", path(`${V1}/session`), ({ response }) => none(response, { "set-cookie": "lockhouse_session=; Max-Age=0; Path=/" })],
  ["GET", path(`${V1}/events`), ({ request, response }) => serveEvents(request, response)],
  ["GET", path(`${V1}/projects`), ({ response }) => json(response, { projects: [...projects.values()].map(view), next_cursor: null })],
  ["POST", path(`${V1}/projects`), ({ response, json: read }) => {
    const { name, kind } = read();
    json(response, view(projects.get(name) ?? newProject(name, kind)), 201);
  }],
  ["GET", path(`${V1}/projects/(?<project>[^/]+)`), known(({ project, response }) => json(response, view(project)))],
  ["DELETE", path(`${V1}/projects/(?<project>[^/]+)`), known(({ project, response }) => {
    stopAll(project);
    soon(500, () => {
      projects.delete(project.name);
      announce({ type: "project", project: project.name });
      json(response, { success: true, message: "Project deleted" });
    });
  })],
  ["POST", path(`${V1}/projects/(?<name>[^/]+)/generate`), ({ response, name, json: read }) => {
    const run = startRun(projects.get(name) ?? newProject(name), read().prompt);
    json(response, { run_id: run.id, job_id: `job-${run.id}` }, 202);
  }],
  ["GET", path(`${V1}/runs/(?<run>[^/]+)`), ({ response, run }) => {
    const { stream, ...shown } = runs.get(run) ?? {};
    return stream ? json(response, shown) : problem(response, 404, "run_not_found", "There is no such run.");
  }],
  ["GET", path(`${V1}/runs/(?<run>[^/]+)/events`), ({ request, response, run }) =>
    runs.has(run)
      ? runs.get(run).stream.serve(request, response)
      : problem(response, 404, "run_not_found", "There is no such run.")],
  ["POST", path(`${V1}/runs/(?<run>[^/]+)/cancel`), ({ response }) => none(response)],
  ["GET", path(`${V1}/projects/(?<project>[^/]+)/files`), known(({ project, response, url }) =>
    json(response, { files: listing(project, url.searchParams.get("path") ?? ""), next_cursor: null }))],
  ["GET", path(`${V1}/projects/(?<project>[^/]+)/content/(?<file>.+)`), known(({ project, response, file }) => {
    const content = project.files.get(file);
    if (!content) return problem(response, 404, "file_not_found", "There is no such file.");
    response.writeHead(200, { etag: etagOf(content), "content-length": content.length });
    return response.end(content);
  })],
  ["PUT", path(`${V1}/projects/(?<project>[^/]+)/content/(?<file>.+)`), known(putContent)],
  ["POST", path(`${CONTAINER}/create`), change("creating", "running")],
  ["POST", path(`${CONTAINER}/start`), change("creating", "running")],
  ["POST", path(`${CONTAINER}/stop`), change("stopping", "stopped", stopAll)],
  ["POST", path(`${CONTAINER}/restart`), change("restarting", "running", stopAll)],
  ["DELETE", path(CONTAINER), change("deleting", "absent", stopAll)],
  ["GET", path(`${CONTAINER}/process`), known(({ project, response }) =>
    project.process ? json(response, project.process) : problem(response, 404, "no_process", "No process was started."))],
  ["POST", path(`${CONTAINER}/process`), known(({ project, response, json: read }) => json(response, startProcess(project, read())))],
  ["DELETE", path(`${CONTAINER}/process`), known(({ project, response }) => {
    stopProcess(project);
    json(response, project.process);
  })],
  ["GET", path(`${CONTAINER}/process/logs`), known(({ project, request, response }) => project.log.serve(request, response))],
  ["POST", path(`${CONTAINER}/exec`), known(exec)],
  ["GET", path(`${V1}/containers/(?<project>[^/]+)/preview/open`), ({ response, groups: { project } }) => {
    response.writeHead(303, { location: `/api/v1/preview/${project}~${PREVIEW_TICKET}/` });
    response.end();
  }],
  ["GET", path(`${V1}/preview/(?<project>[^/~]+)/(?<rest>.*)`), ({ response, url, groups: { project, rest } }) => {
    response.writeHead(303, { location: `/api/v1/preview/${project}~${PREVIEW_TICKET}/${rest}${url.search}` });
    response.end();
  }],
  ["ANY", path(`${V1}/preview/(?<project>[^/~]+)~[^/]+/(?<rest>.*)`), known(preview)],
  // Not the contract's: what a look at the screens needs.
  ["POST", path(`${V1}/fake/drop-terminals`), ({ response }) => {
    for (const { terminal } of projects.values()) for (const client of terminal?.clients ?? []) client.terminate();
    none(response);
  }],
  ["POST", path(`${V1}/fake/away`), ({ request, response }) => {
    const { server } = request.socket;
    response.on("finish", () => {
      away.until = Date.now() + 3000;
      for (const { terminal } of projects.values()) for (const client of terminal?.clients ?? []) client.terminate();
      server.closeAllConnections();
    });
    none(response, { connection: "close" });
  }],
  ["POST", path(`${V1}/fake/forget`), ({ response }) => {
    for (const project of projects.values()) stopAll(project);
    projects.clear();
    none(response);
  }],
];
