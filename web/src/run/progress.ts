// What a run's events add up to: its step, its share done, its files and the end of its output.
import { type RunEvent, type RunState, textOf, withoutEscapes } from "../api";

export const STEPS = ["plan", "write", "install", "start", "check"] as const;
export type Step = (typeof STEPS)[number];

/** Output before this many last characters is let go; the host keeps the whole. */
export const MAX_OUTPUT_CHARS = 60_000;
/** The list of files shows the last so many. */
export const MAX_FILES = 2_000;

export interface Progress {
  state: RunState;
  message: string;
  /** The step that is under way, or was when the run ended. */
  step: number;
  /** Of the whole run, 0 to 1. */
  share: number;
  files: readonly string[];
  output: string;
  previewUrl: string | null;
  error: string | null;
}

export const NOT_STARTED: Progress = {
  state: "planning",
  message: "",
  step: 0,
  share: 0,
  files: [],
  output: "",
  previewUrl: null,
  error: null,
};

/** The step of each state and how much of the step is done when the state begins. */
const PLACES: Readonly<Record<Exclude<RunState, "done" | "failed">, readonly [step: number, share: number]>> = {
  queued: [0, 0],
  planning: [0, 0],
  planned: [0, 1],
  writing: [1, 0],
  installing: [2, 0],
  starting: [3, 0],
  checking: [4, 0],
  fixing: [1, 0],
};

export function advance(progress: Progress, event: RunEvent): Progress {
  switch (event.type) {
    case "state":
      return moveTo(progress, event);
    case "file":
      return { ...progress, files: withFile(progress.files, event.path) };
    case "output":
      return { ...progress, output: tail(progress.output + withoutEscapes(textOf(event))) };
    case "done":
      return { ...progress, state: "done", share: 1, step: STEPS.length, previewUrl: event.preview_url ?? null };
    case "failed":
      return { ...progress, state: "failed", error: event.error };
    default:
      return progress;
  }
}

type StateEvent = Extract<RunEvent, { type: "state" }>;

function moveTo(progress: Progress, { state, message = "", done, total }: StateEvent): Progress {
  if (state === "done") return { ...progress, state, message, step: STEPS.length, share: 1 };
  if (state === "failed") return { ...progress, state, message, error: progress.error ?? message };
  const [step, begun] = PLACES[state];
  const within = done !== undefined && total ? Math.min(1, done / total) : begun;
  return { ...progress, state, message, step, share: (step + within) / STEPS.length };
}

const withFile = (files: readonly string[], file: string): readonly string[] =>
  files.includes(file) ? files : [...files, file].slice(-MAX_FILES);

/** The last characters, cut at the beginning of a line. */
function tail(output: string): string {
  if (output.length <= MAX_OUTPUT_CHARS) return output;
  const cut = output.slice(-MAX_OUTPUT_CHARS);
  return cut.slice(cut.indexOf("\n") + 1);
}

export const isOver = ({ state }: Progress): boolean => state === "done" || state === "failed";

/** How the stepper draws a step. */
export function lookOf(progress: Progress, step: number): "done" | "current" | "failed" | "ahead" {
  if (step < progress.step || progress.state === "done") return "done";
  if (step > progress.step) return "ahead";
  return progress.state === "failed" ? "failed" : "current";
}
