// The state of a runtime, a process or a connection: a word, a colour, and a spinner while it changes.
import styles from "./StatusBadge.module.css";
import { Spinner } from "./Spinner";

const TONES: Readonly<Record<string, string | undefined>> = {
  running: styles.good,
  live: styles.good,
  failed: styles.bad,
  exited: styles.warn,
};

const TRANSIENT = new Set(["building", "creating", "starting", "stopping", "restarting", "deleting", "connecting", "reconnecting"]);

interface StatusBadgeProps {
  status: string;
  label?: string;
  /** Why it is so, for who asks. */
  reason?: string | null | undefined;
}

export function StatusBadge({ status, label, reason }: StatusBadgeProps) {
  const isTransient = TRANSIENT.has(status);
  const tone = isTransient ? styles.busy : (TONES[status] ?? styles.still);
  return (
    <span className={`${styles.badge} ${tone}`} data-status={status} title={reason ?? undefined}>
      {isTransient ? <Spinner /> : <span className={styles.dot} aria-hidden="true" />}
      {label ?? status}
    </span>
  );
}
