// Errors as the host tells them (RFC 9457 problems), and as the browser meets them (no answer at all).

/** The body of an `application/problem+json` answer. Members beyond these are kept in `extra`. */
export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  requestId: string | null;
  /** Members that only some codes carry: `risk`, `rule`, `reason`, `current`… */
  extra: Readonly<Record<string, unknown>>;
}

/** The one error type that calls to the host throw. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }

  get code(): string {
    return this.problem.code;
  }
}

/** Why a command was refused: what the policy said, in its own words. */
export interface Refusal {
  risk: string;
  policy: string;
  rule: string;
  reason: string;
}

const text = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Makes a problem of an answer's body. A body that is no problem (a proxy's page, say) still becomes one. */
export function toProblem(status: number, body: unknown, requestId: string | null = null): Problem {
  const members = isRecord(body) ? body : {};
  const { title, detail, code, request_id, ...others } = members;
  const extra = Object.fromEntries(Object.entries(others).filter(([name]) => name !== "type" && name !== "status"));
  return {
    status,
    code: text(code, `http_${status}`),
    title: text(title, titleOf(status)),
    detail: text(detail),
    requestId: text(request_id) || requestId,
    extra,
  };
}

/** The problem of a call that got no answer: the host is down, or the connection is. */
export function unreachable(cause: unknown): ApiError {
  const error = new ApiError({
    status: 0,
    code: "unreachable",
    title: "Lockhouse does not answer",
    detail: "The server could not be reached. Check that it runs and that you are connected, then try again.",
    requestId: null,
    extra: {},
  });
  error.cause = cause;
  return error;
}

/** The policy's verdict when a command was refused, else null. */
export function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof ApiError) || error.code !== "command_denied") return null;
  const { risk, policy, rule, reason } = error.problem.extra;
  return {
    risk: text(risk, "unknown"),
    policy: text(policy),
    rule: text(rule),
    reason: text(reason, error.message),
  };
}

function titleOf(status: number): string {
  if (status === 401) return "Not signed in";
  if (status === 403) return "Not allowed";
  if (status === 404) return "Not found";
  if (status === 409 || status === 412) return "Changed meanwhile";
  if (status === 413) return "Too large";
  if (status === 429) return "Too many requests";
  return status >= 500 ? "The server failed" : "The request was refused";
}
