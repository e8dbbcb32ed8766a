// Commands that were run here and what came of them.
import { type ExecEvent, textOf, withoutEscapes } from "../../api";

export interface CommandRun {
  id: number;
  command: string;
  output: string;
  /** Null while it runs. */
  ending: { code: number; isSuccess: boolean; durationMs: number | null; reason: string | null } | null;
  error: Error | null;
}

/** So many commands stay on the screen. */
export const MAX_RUNS = 30;
/** Of each command's output the last so many characters stay. */
export const MAX_OUTPUT_CHARS = 100_000;

export type CommandAction =
  | { type: "begin"; id: number; command: string }
  | { type: "event"; id: number; event: ExecEvent }
  | { type: "fail"; id: number; error: Error };

export function record(runs: readonly CommandRun[], action: CommandAction): readonly CommandRun[] {
  if (action.type === "begin") {
    const run = { id: action.id, command: action.command, output: "", ending: null, error: null };
    return [...runs, run].slice(-MAX_RUNS);
  }
  return runs.map((run) => (run.id === action.id ? apply(run, action) : run));
}

function apply(run: CommandRun, action: Exclude<CommandAction, { type: "begin" }>): CommandRun {
  if (action.type === "fail") return { ...run, error: action.error };
  const { event } = action;
  if (event.type === "exit") {
    const { data: code, success: isSuccess, duration_ms, reason } = event;
    return { ...run, ending: { code, isSuccess, durationMs: duration_ms ?? null, reason: reason ?? null } };
  }
  if (event.type !== "stdout" && event.type !== "stderr") return run;
  return { ...run, output: (run.output + withoutEscapes(textOf(event))).slice(-MAX_OUTPUT_CHARS) };
}

/** How a command ended, in words. */
export function endingOf(run: CommandRun): string {
  if (!run.ending) return run.error ? "did not run" : "running…";
  const { code, reason, durationMs } = run.ending;
  const how = reason === "timeout" ? "timed out" : `exit code ${code}`;
  return durationMs === null ? how : `${how} · ${durationMs < 1000 ? `${durationMs} ms` : `${(durationMs / 1000).toFixed(1)} s`}`;
}
