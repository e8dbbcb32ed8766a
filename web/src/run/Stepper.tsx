// The steps of a run, and how far it is.
import { Check, X } from "lucide-react";
import { Spinner } from "../ui/Spinner";
import { type Progress, STEPS, type Step, isOver, lookOf } from "./progress";
import styles from "./Stepper.module.css";

const LABELS: Readonly<Record<Step, string>> = {
  plan: "Plan",
  write: "Write",
  install: "Install",
  start: "Start",
  check: "Check",
};

const MARKS = { done: <Check size={14} />, failed: <X size={14} />, current: <Spinner />, ahead: null } as const;

export function Stepper({ progress }: { progress: Progress }) {
  const percent = Math.round(progress.share * 100);
  return (
    <section className={styles.stepper} aria-label="Progress" data-state={progress.state}>
      <ol>
        {STEPS.map((step, index) => {
          const look = lookOf(progress, index);
          return (
            <li key={step} className={styles[look]} aria-current={look === "current" ? "step" : undefined}>
              <span className={styles.mark} aria-hidden="true">
                {MARKS[look] ?? index + 1}
              </span>
              {LABELS[step]}
            </li>
          );
        })}
      </ol>
      <div
        className={`${styles.track} ${progress.state === "failed" ? styles.broken : ""}`}
        role="progressbar"
        aria-label="Run"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <div style={{ width: `${percent}%` }} />
      </div>
      <p role="status">{progress.message || (isOver(progress) ? "" : `${progress.state}…`)}</p>
    </section>
  );
}
