// One short command at a time, checked by policy, with its output as it comes.
import { CornerDownLeft, CircleStop, SquareTerminal } from "lucide-react";
import { type SyntheticEvent, useCallback, useEffect, useReducer, useRef, useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { exec } from "../../api";
import { keys } from "../../state/queries";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Notice";
import styles from "./CommandPanel.module.css";
import { type CommandRun, endingOf, record } from "./commandLog";
import { Refusable } from "./Refusable";

export function CommandPanel({ project }: { project: string }) {
  const { runs, run, stop, isRunning } = useCommands(project);
  const [command, setCommand] = useState("");
  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    if (!command.trim() || isRunning) return;
    void run(command.trim());
    setCommand("");
  }
  return (
    <div className={styles.panel}>
      <div className={styles.runs} role="log" aria-label="Commands">
        {runs.length === 0 && (
          <Empty icon={SquareTerminal} title="Run one command">
            It passes the command policy, as agents’ commands do. The terminal is for everything interactive.
          </Empty>
        )}
        {[...runs].reverse().map((each) => (
          <RunOf key={each.id} run={each} />
        ))}
      </div>
      <form className={styles.form} onSubmit={onSubmit}>
        <input
          aria-label="Command"
          placeholder="pytest -q"
          spellCheck={false}
          autoComplete="off"
          value={command}
          onChange={(event) => setCommand(event.target.value)}
        />
        {isRunning ? (
          <Button icon={CircleStop} onClick={stop}>
            Stop
          </Button>
        ) : (
          <Button type="submit" look="primary" icon={CornerDownLeft} disabled={!command.trim()}>
            Run
          </Button>
        )}
      </form>
    </div>
  );
}

function RunOf({ run }: { run: CommandRun }) {
  const isBad = run.ending !== null && !run.ending.isSuccess;
  return (
    <article className={styles.run} aria-label={run.command}>
      <header>
        <code>$ {run.command}</code>
        <span className={isBad ? styles.bad : undefined}>{endingOf(run)}</span>
      </header>
      {run.output && <pre>{run.output}</pre>}
      {run.error && <Refusable error={run.error} />}
    </article>
  );
}

function useCommands(project: string) {
  const client = useQueryClient();
  const [runs, act] = useReducer(record, []);
  const [isRunning, setRunning] = useState(false);
  const ending = useRef<AbortController | null>(null);
  const count = useRef(0);
  useEffect(() => () => ending.current?.abort(), []);

  const run = useCallback(
    async (command: string) => {
      const id = (count.current += 1);
      const control = new AbortController();
      ending.current = control;
      act({ type: "begin", id, command });
      setRunning(true);
      try {
        for await (const event of exec(project, command, control.signal)) act({ type: "event", id, event });
      } catch (cause) {
        act({ type: "fail", id, error: control.signal.aborted ? new Error("You stopped it.") : toError(cause) });
      } finally {
        setRunning(false);
        // A command may have written anything anywhere.
        void client.invalidateQueries({ queryKey: keys.files(project) });
      }
    },
    [client, project],
  );
  return { runs, run, isRunning, stop: () => ending.current?.abort() };
}

const toError = (cause: unknown): Error => (cause instanceof Error ? cause : new Error(String(cause)));
