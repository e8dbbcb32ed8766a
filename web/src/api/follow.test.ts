import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { follow } from "./follow";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Plays the host: each request waits until the test answers it. */
class FakeHost {
  requests: { lastId: string | null; answer: (response: Response) => void; signal: AbortSignal | undefined }[] = [];

  readonly fetch = (_url: string, { headers, signal }: RequestInit): Promise<Response> =>
    new Promise((answer, refuse) => {
      this.requests.push({ lastId: new Headers(headers).get("last-event-id"), answer, signal: signal ?? undefined });
      signal?.addEventListener("abort", () => refuse(new DOMException("aborted", "AbortError")));
    });

  /** Answers the last request with a stream that the test feeds. */
  streams(): ReadableStreamDefaultController<Uint8Array> {
    let feed: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (feed = controller) });
    this.requests.at(-1)?.answer(new Response(body));
    const stream = feed;
    if (!stream) throw new Error("the stream did not start");
    // As in a browser: who aborts a request ends its body as well.
    this.requests.at(-1)?.signal?.addEventListener("abort", () => stream.error(new DOMException("aborted", "AbortError")));
    return stream;
  }
}

let host: FakeHost;
let page: EventTarget & { visibilityState: string };

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost();
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("fetch", host.fetch);
  vi.stubGlobal("document", page);
  vi.stubGlobal("window", new EventTarget());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settled = () => vi.advanceTimersByTimeAsync(0);

function show(state: "visible" | "hidden") {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
}

describe("following a stream", () => {
  test("resumes after the last event that came", async () => {
    const seen: string[] = [];
    const stop = follow("/events", { onEvent: (event) => seen.push(event.data) });
    const first = host.streams();
    first.enqueue(bytes("id: 7\ndata: a\n\nid: 8\ndata: b\n\n"));
    await settled();
    first.close();
    await vi.advanceTimersByTimeAsync(300);
    host.streams().enqueue(bytes("id: 9\ndata: c\n\n"));
    await settled();
    expect([host.requests.map((request) => request.lastId), seen]).toEqual([[null, "8"], ["a", "b", "c"]]);
    stop();
  });

  test("ends and says so when the host refuses for good", async () => {
    const codes: string[] = [];
    follow("/events", { onEvent: () => undefined, onRefused: (error) => codes.push(error.code) });
    host.requests[0]?.answer(new Response('{"code":"run_not_found"}', { status: 404 }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([codes, host.requests.length]).toEqual([["run_not_found"], 1]);
  });

  test("tries again when the host is only busy", async () => {
    const stop = follow("/events", { onEvent: () => undefined });
    host.requests[0]?.answer(new Response("", { status: 503 }));
    await vi.advanceTimersByTimeAsync(300);
    expect(host.requests.length).toBe(2);
    stop();
  });

  test("gives its connection back while the page is hidden, and catches up after", async () => {
    const stop = follow("/events", { onEvent: () => undefined });
    host.streams().enqueue(bytes("id: 3\ndata: a\n\n"));
    await settled();
    show("hidden");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([host.requests.length, host.requests[0]?.signal?.aborted]).toEqual([1, true]);
    show("visible");
    await settled();
    expect(host.requests.at(-1)?.lastId).toBe("3");
    stop();
  });

  test("stays ended once it was stopped", async () => {
    const stop = follow("/events", { onEvent: () => undefined });
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([host.requests.length, host.requests[0]?.signal?.aborted]).toEqual([1, true]);
  });
});
