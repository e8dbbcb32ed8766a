// Follows a stream of server-sent events for as long as someone wants it, across lost connections.
import { pauseBefore } from "./backoff";
import { type Call, open } from "./http";
import { ApiError } from "./problem";
import { type ServerEvent, SseParser } from "./sse";

export type Connection = "connecting" | "open" | "waiting" | "closed";

export interface Follow {
  onEvent: (event: ServerEvent) => void;
  onConnection?: (state: Connection) => void;
  /** Called once, when the host refuses for good (401, 404…): the stream has ended. */
  onRefused?: (error: ApiError) => void;
  /** Resume after this event instead of from where the host starts. */
  lastId?: string;
}

/** Reads one response to its end. */
export async function* readEvents(answer: Response, parser = new SseParser()): AsyncGenerator<ServerEvent> {
  if (!answer.body) return;
  const reader = answer.body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield* parser.push(part.value);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Opens a stream by any call (a POST, say) and gives its events; it is not resumed. */
export async function* streamOnce(url: string, call: Call): AsyncGenerator<ServerEvent> {
  yield* readEvents(await open(url, { ...call, headers: { accept: "text/event-stream", ...call.headers } }));
}

/**
 * Follows `url` until the returned function is called, resuming with `Last-Event-ID`.
 * A hidden page gives its connection back (a browser allows six per host, over all its tabs) and catches up
 * when it is seen again.
 */
export function follow(url: string, handlers: Follow): () => void {
  const following = new Following(url, handlers);
  following.start();
  return () => following.stop();
}

class Following {
  #attempt = 0;
  #lastId: string | null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stream: AbortController | null = null;
  #isStopped = false;
  readonly #url: string;
  readonly #handlers: Follow;

  constructor(url: string, handlers: Follow) {
    this.#url = url;
    this.#handlers = handlers;
    this.#lastId = handlers.lastId ?? null;
  }

  start(): void {
    document.addEventListener("visibilitychange", this.#onVisibility);
    window.addEventListener("online", this.#onVisibility);
    void this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    document.removeEventListener("visibilitychange", this.#onVisibility);
    window.removeEventListener("online", this.#onVisibility);
    clearTimeout(this.#timer);
    this.#stream?.abort();
    this.#handlers.onConnection?.("closed");
  }

  /** Asked anew after each wait, in which someone may have stopped it. */
  #hasStopped(): boolean {
    return this.#isStopped;
  }

  readonly #onVisibility = (): void => {
    clearTimeout(this.#timer);
    if (document.visibilityState === "hidden") {
      this.#stream?.abort();
    } else if (!this.#stream) {
      this.#attempt = 0;
      void this.#connect();
    }
  };

  async #connect(): Promise<void> {
    if (this.#isStopped || document.visibilityState === "hidden") return;
    const stream = new AbortController();
    this.#stream = stream;
    this.#handlers.onConnection?.("connecting");
    const refused = await this.#read(stream.signal);
    this.#stream = null;
    if (this.#hasStopped()) return;
    if (refused) {
      this.stop();
      this.#handlers.onRefused?.(refused);
    } else this.#retry();
  }

  /** Reads until the stream ends; gives the error if another attempt would be refused as well. */
  async #read(signal: AbortSignal): Promise<ApiError | null> {
    try {
      const answer = await open(this.#url, { headers: this.#headers(), signal });
      this.#handlers.onConnection?.("open");
      for await (const event of readEvents(answer, new SseParser(this.#lastId))) {
        this.#attempt = 0;
        this.#lastId = event.id;
        this.#handlers.onEvent(event);
        if (this.#hasStopped()) return null;
      }
      return null;
    } catch (error) {
      return error instanceof ApiError && isFinal(error.status) ? error : null;
    }
  }

  #headers(): Record<string, string> {
    const accept = { accept: "text/event-stream" };
    return this.#lastId === null ? accept : { ...accept, "last-event-id": this.#lastId };
  }

  #retry(): void {
    this.#handlers.onConnection?.("waiting");
    this.#timer = setTimeout(() => void this.#connect(), pauseBefore(this.#attempt));
    this.#attempt += 1;
  }
}

/** A client error stays one when asked again; too many requests and timeouts pass. */
const isFinal = (status: number): boolean => status >= 400 && status < 500 && status !== 429 && status !== 408;
