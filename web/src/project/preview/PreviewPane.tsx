// The running project in a frame of its own, which may do nothing to this page.
import { ExternalLink, Globe, RotateCw } from "lucide-react";
import { useState } from "react";
import { type RuntimeState, previewPath } from "../../api";
import { useProcess } from "../../state/queries";
import { Button } from "../../ui/Button";
import button from "../../ui/Button.module.css";
import { Empty } from "../../ui/Notice";
import { Loading } from "../../ui/Spinner";
import styles from "./PreviewPane.module.css";

/**
 * The same origin is the preview's own, never this page's: a preview on this page's origin comes with a
 * sandbox of its own, which takes that away.
 */
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-modals allow-popups allow-downloads";

export function PreviewPane({ project, state }: { project: string; state: RuntimeState }) {
  const [round, setRound] = useState(0);
  const isRunning = state === "running";
  const process = useProcess(project, isRunning);
  const path = previewPath(project);
  return (
    <section className={styles.pane} aria-label="Preview">
      <div className={styles.bar}>
        <Button look="quiet" icon={RotateCw} aria-label="Reload the preview" title="Reload" onClick={() => setRound(round + 1)} />
        <code className={styles.address}>{path}</code>
        <a
          className={`${button.button} ${button.quiet} ${button.iconOnly}`}
          href={path}
          target="_blank"
          rel="noopener noreferrer"
          aria-label="Open the preview in a tab"
          title="Open in a tab"
        >
          <ExternalLink size={16} aria-hidden="true" />
        </a>
      </div>
      {isRunning && process.isPending && <Loading what="Asking for the process…" />}
      {isRunning && !process.isPending && (
        // Another process is another page: the frame begins anew with it.
        <iframe
          key={`${round} ${process.data?.status ?? ""} ${process.data?.started_at ?? ""}`}
          title="Preview"
          src={path}
          sandbox={SANDBOX}
          referrerPolicy="no-referrer"
        />
      )}
      {!isRunning && (
        <Empty icon={Globe} title="Nothing to see yet">
          The preview shows what the project serves while its runtime is running.
        </Empty>
      )}
    </section>
  );
}
