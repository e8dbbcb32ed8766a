// A host for looking at the screens without the real one: the same paths and shapes, nothing behind them.
// node e2e/fake-host.mjs [port] ; it prints the sign-in URL. Never a stand-in for the host in a test of the product.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { WebSocketServer } from "ws";
import { routes } from "./fake/routes.mjs";
import { openTerminal } from "./fake/runtime.mjs";
import { PREVIEW_TICKET, TOKEN, away, problem, projects } from "./fake/state.mjs";

const DIST = new URL("../dist/", import.meta.url).pathname;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
// The strictest policy the screens work under; the terminal and the editor make style elements of their own.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const isSignedIn = (request) => (request.headers.cookie ?? "").includes(`lockhouse_session=${TOKEN}`);

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

async function serveScreen(url, response) {
  const file = normalize(url.pathname).replace(/^\/+/, "");
  const content = await readFile(join(DIST, file || "index.html")).catch(() => null);
  const type = content && file ? TYPES[extname(file)] : "text/html";
  response.writeHead(200, { "content-type": type ?? "application/octet-stream", "content-security-policy": POLICY });
  response.end(content ?? (await readFile(join(DIST, "index.html"))));
}

async function answer(request, response) {
  if (Date.now() < away.until) return request.socket.destroy();
  const url = new URL(request.url, "http://fake");
  if (url.pathname === "/sign-in" && url.searchParams.get("ticket") === "t1") {
    const cookie = `lockhouse_session=${TOKEN}; HttpOnly; SameSite=Strict; Path=/`;
    response.writeHead(303, { location: "/", "set-cookie": cookie });
    return response.end();
  }
  if (!url.pathname.startsWith("/api/")) return serveScreen(url, response);
  const body = await bodyOf(request);
  const isEntering = url.pathname === "/api/v1/session" && request.method === "POST";
  const isPreview = url.pathname.includes(`~${PREVIEW_TICKET}/`);
  if (!isEntering && !isPreview && !isSignedIn(request)) return problem(response, 401, "unauthenticated", "Sign in first.");
  for (const [method, pattern, handle] of routes) {
    const match = (method === "ANY" || method === request.method) && pattern.exec(url.pathname);
    if (!match) continue;
    const groups = Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]));
    const project = groups.project ? projects.get(groups.project) : undefined;
    return handle({ request, response, url, body, ...groups, groups, json: () => JSON.parse(body.toString() || "{}"), project });
  }
  return problem(response, 404, "not_found", "No such path.");
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => problem(response, 500, "fake_failed", String(error)));
});
const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "lockhouse.terminal.v1" });
server.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "http://fake");
  const name = /containers\/([^/]+)\/terminal$/.exec(url.pathname)?.[1];
  const project = projects.get(name);
  if (Date.now() < away.until || !isSignedIn(request) || project?.status !== "running") return socket.destroy();
  sockets.handleUpgrade(request, socket, head, (client) => {
    const since = url.searchParams.get("since");
    const size = { cols: Number(url.searchParams.get("cols")), rows: Number(url.searchParams.get("rows")) };
    openTerminal(project, size).join(client, since === null ? undefined : Number(since));
  });
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/sign-in?ticket=t1`);
});
