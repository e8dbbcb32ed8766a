// The terminal: xterm.js over a session that survives lost connections.
import "@xterm/xterm/css/xterm.css";
import { useRef } from "react";
import { Button } from "../../ui/Button";
import { StatusBadge } from "../../ui/StatusBadge";
import styles from "./TerminalPanel.module.css";
import { useTerminal } from "./useTerminal";

const LABELS = { connecting: "Connecting…", open: "Connected", waiting: "Reconnecting…", closed: "Closed" } as const;
const LOOKS = { connecting: "connecting", open: "live", waiting: "reconnecting", closed: "closed" } as const;

export function TerminalPanel({ project, isShown }: { project: string; isShown: boolean }) {
  const element = useRef<HTMLDivElement>(null);
  const { connection, state, ending, retryNow, startAgain } = useTerminal(element, project, isShown);
  const hasEnded = state !== null && state.exit !== null;
  const isOver = connection === "closed" && (hasEnded || ending !== null);
  return (
    <div className={styles.panel}>
      <div ref={element} className={styles.screen} data-testid="terminal" />
      <footer className={styles.foot}>
        <StatusBadge status={LOOKS[connection]} label={LABELS[connection]} />
        {connection === "waiting" && (
          <Button look="quiet" onClick={retryNow}>
            Connect now
          </Button>
        )}
        {hasEnded ? <span>The shell ended with exit code {state.exit}.</span> : ending && <span>{ending.reason}</span>}
        {isOver && (
          <Button look="quiet" onClick={startAgain}>
            {hasEnded ? "New shell" : "Connect again"}
          </Button>
        )}
        <span className={styles.where}>{state?.cwd ?? ""}</span>
        {state?.clients != null && state.clients > 1 && <span>{state.clients} clients share this session</span>}
      </footer>
    </div>
  );
}
