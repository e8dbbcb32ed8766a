// The one long-running process of a project: what it is, its log, starting and stopping it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Play, CircleStop } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { type Process, startProcess, stopProcess } from "../../api";
import { keys, useProcess } from "../../state/queries";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/Notice";
import { OutputTail } from "../../ui/OutputTail";
import { Refusable } from "../command/Refusable";
import { Loading } from "../../ui/Spinner";
import { StatusBadge } from "../../ui/StatusBadge";
import styles from "./ProcessPanel.module.css";
import { useLogs } from "./useLogs";

const LIVES = new Set(["starting", "running", "restarting", "stopping"]);

export function ProcessPanel({ project }: { project: string }) {
  const process = useProcess(project, true);
  if (process.isPending) return <Loading what="Asking for the process…" />;
  if (process.isError) return <ErrorNotice error={process.error} onRetry={() => void process.refetch()} />;
  const isAlive = process.data !== null && LIVES.has(process.data.status);
  return (
    <div className={styles.panel}>
      {isAlive && process.data ? (
        <Running project={project} process={process.data} />
      ) : (
        <StartForm key={process.data?.command} project={project} last={process.data} />
      )}
      {process.data && <Log key={process.data.started_at} project={project} />}
    </div>
  );
}

function Running({ project, process }: { project: string; process: Process }) {
  const client = useQueryClient();
  const stopping = useMutation({
    mutationFn: () => stopProcess(project),
    onSettled: () => client.invalidateQueries({ queryKey: keys.process(project) }),
  });
  return (
    <div className={styles.bar}>
      <StatusBadge status={process.status} />
      <code className={styles.command}>{process.command}</code>
      {process.port !== null && <span className={styles.port}>port {process.port}</span>}
      <Button icon={CircleStop} isBusy={stopping.isPending} onClick={() => stopping.mutate()}>
        Stop process
      </Button>
      {stopping.error && <ErrorNotice error={stopping.error} />}
    </div>
  );
}

function StartForm({ project, last }: { project: string; last: Process | null }) {
  const client = useQueryClient();
  const [command, setCommand] = useState(last?.command ?? "");
  const [port, setPort] = useState(last?.port ? String(last.port) : "");
  const starting = useMutation({
    mutationFn: () => startProcess(project, { command: command.trim(), ...(port ? { port: Number(port) } : {}) }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.process(project) }),
  });
  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    starting.mutate();
  }
  return (
    <form className={styles.bar} onSubmit={onSubmit}>
      {last && <StatusBadge status={last.status} label={endOf(last)} />}
      <input
        className={styles.command}
        aria-label="Command of the process"
        placeholder="The command that serves, such as: python app.py"
        spellCheck={false}
        required
        value={command}
        onChange={(event) => setCommand(event.target.value)}
      />
      <input
        className={styles.portField}
        aria-label="Port it serves"
        placeholder="port"
        inputMode="numeric"
        pattern="[0-9]{1,5}"
        value={port}
        onChange={(event) => setPort(event.target.value)}
      />
      <Button type="submit" look="primary" icon={Play} isBusy={starting.isPending} disabled={!command.trim()}>
        Start process
      </Button>
      {starting.error && <Refusable error={starting.error} />}
    </form>
  );
}

function endOf({ status, exit_code }: Process): string {
  return exit_code == null ? status : `${status}, code ${exit_code}`;
}

function Log({ project }: { project: string }) {
  const { log, refused } = useLogs(project);
  if (refused) return <ErrorNotice error={refused} />;
  return <OutputTail text={log} label="Process log" placeholder="Nothing printed yet." />;
}
