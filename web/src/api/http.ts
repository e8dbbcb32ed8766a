// The only place that calls fetch: every failure leaves it as an ApiError.
import { ApiError, toProblem, unreachable } from "./problem";

export const API = "/api/v1";

/** How long a call that is no stream may take. */
const CALL_TIMEOUT_MS = 60_000;
/** How long a runtime's change may take: a first create may fetch or unpack an image. */
export const CHANGE_TIMEOUT_MS = 600_000;

export interface Call {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Instead of CALL_TIMEOUT_MS. */
  timeoutMs?: number;
}

/** A path under the API with each segment escaped: a project or file name can hold anything. */
export const path = (...segments: string[]): string => [API, ...segments.map(encodeURIComponent)].join("/");

/** Like `path`, but a file's own slashes stay slashes. */
export const filePath = (file: string): string => file.split("/").map(encodeURIComponent).join("/");

/** Calls the host and gives the answer if it is a good one. The body is not yet read: streams use this. */
export async function open(url: string, call: Call = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, requestOf(call));
  } catch (cause) {
    if (call.signal?.aborted) throw cause;
    throw unreachable(cause);
  }
  if (answer.ok) return answer;
  throw new ApiError(toProblem(answer.status, await bodyOf(answer), answer.headers.get("x-request-id")));
}

/** Calls the host and reads the JSON of its answer; null when it has none (204). */
export async function call<T>(url: string, request: Call = {}): Promise<T> {
  const answer = await bounded(url, request);
  return (await bodyOf(answer)) as T;
}

/** As `open`, but with a deadline. */
export async function bounded(url: string, request: Call = {}): Promise<Response> {
  const deadline = AbortSignal.timeout(request.timeoutMs ?? CALL_TIMEOUT_MS);
  const signal = request.signal ? AbortSignal.any([request.signal, deadline]) : deadline;
  try {
    return await open(url, { ...request, signal });
  } catch (cause) {
    if (deadline.aborted) throw unreachable(cause);
    throw cause;
  }
}

function requestOf({ method = "GET", json, body, headers, signal }: Call): RequestInit {
  const request: RequestInit = { method, credentials: "same-origin", cache: "no-store" };
  request.headers = { accept: "application/json", ...headers };
  if (json !== undefined) request.headers = { "content-type": "application/json", ...request.headers };
  if (signal) request.signal = signal;
  const content = json === undefined ? body : JSON.stringify(json);
  if (content !== undefined) request.body = content;
  return request;
}

async function bodyOf(answer: Response): Promise<unknown> {
  const content = await answer.text();
  if (content === "") return null;
  try {
    return JSON.parse(content) as unknown;
  } catch {
    return content;
  }
}
