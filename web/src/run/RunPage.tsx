// A run as it happens: its steps, the files that appear, the end of its output.
import { useMutation, useQuery } from "@tanstack/react-query";
import { ArrowRight, FileCode2, CircleStop } from "lucide-react";
import { Link, useParams } from "react-router";
import { cancelRun, showRun } from "../api";
import { AppBar } from "../ui/AppBar";
import { Button } from "../ui/Button";
import button from "../ui/Button.module.css";
import { ErrorNotice, Notice } from "../ui/Notice";
import { OutputTail } from "../ui/OutputTail";
import { type Progress, isOver } from "./progress";
import styles from "./RunPage.module.css";
import { Stepper } from "./Stepper";
import { useRun } from "./useRun";

export function RunPage() {
  const { project = "", run = "" } = useParams();
  // Another run is another page: nothing of the one before may stay.
  return <RunOf key={run} project={project} run={run} />;
}

function RunOf({ project, run }: { project: string; run: string }) {
  const { progress, refused } = useRun(run);
  const details = useQuery({ queryKey: ["runs", run], queryFn: () => showRun(run), staleTime: Infinity });
  return (
    <div className={styles.page}>
      <title>{`${progress.state === "done" ? "✓ " : ""}${project} · Lockhouse`}</title>
      <AppBar>
        <strong>{project}</strong>
      </AppBar>
      <main className={styles.main}>
        <header className={styles.head}>
          <div>
            <h1>{headingOf(progress, project)}</h1>
            {details.data?.prompt && <p>“{details.data.prompt}”</p>}
          </div>
          {!isOver(progress) && !refused && <Cancel run={run} />}
          {isOver(progress) && <OpenProject project={project} isDone={progress.state === "done"} />}
        </header>
        {refused && <ErrorNotice error={refused} />}
        <Stepper progress={progress} />
        {progress.state === "failed" && <Failed progress={progress} />}
        <div className={styles.panels}>
          <Files files={progress.files} />
          <section className={styles.panel} aria-label="Output">
            <h2>Output</h2>
            <OutputTail text={progress.output} placeholder="What the install, the tests and the checks print appears here." />
          </section>
        </div>
      </main>
    </div>
  );
}

function headingOf({ state }: Progress, project: string): string {
  if (state === "done") return `${project} is built and running`;
  return state === "failed" ? `${project} could not be finished` : `Building ${project}…`;
}

function Cancel({ run }: { run: string }) {
  const cancelling = useMutation({ mutationFn: () => cancelRun(run) });
  return (
    <Button icon={CircleStop} isBusy={cancelling.isPending} disabled={cancelling.isSuccess} onClick={() => cancelling.mutate()}>
      {cancelling.isError ? "Cancel again" : "Cancel"}
    </Button>
  );
}

function OpenProject({ project, isDone }: { project: string; isDone: boolean }) {
  const look = isDone ? button.primary : "";
  return (
    <Link to={`/projects/${project}`} className={`${button.button} ${look}`}>
      Open project <ArrowRight size={16} aria-hidden="true" />
    </Link>
  );
}

function Failed({ progress }: { progress: Progress }) {
  return (
    <Notice tone="bad" title="The run failed">
      {progress.error || "The server gave no reason."} What was written so far is in the project; the output below ends
      with what went wrong.
    </Notice>
  );
}

function Files({ files }: { files: readonly string[] }) {
  return (
    <section className={styles.panel} aria-label="Files written">
      <h2>
        Files <span className={styles.count}>{files.length}</span>
      </h2>
      <ul className={styles.files} aria-live="polite">
        {files.map((file) => (
          <li key={file}>
            <FileCode2 size={14} aria-hidden="true" /> {file}
          </li>
        ))}
        {files.length === 0 && <li className={styles.none}>Files appear here as they are written.</li>}
      </ul>
    </section>
  );
}
