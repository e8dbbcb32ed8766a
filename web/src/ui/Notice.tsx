// Says that something is empty, went wrong, or wants attention, and what to do about it.
import { type LucideIcon, CircleAlert, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../api";
import { Button } from "./Button";
import styles from "./Notice.module.css";

const ICONS = { bad: CircleAlert, warn: TriangleAlert, calm: Info } as const;

export interface NoticeProps {
  tone?: keyof typeof ICONS;
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
}

export function Notice({ tone = "calm", title, children, actions }: NoticeProps) {
  const Icon = ICONS[tone];
  return (
    <div className={`${styles.notice} ${styles[tone]}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon size={18} aria-hidden="true" className={styles.icon} />
      <div className={styles.content}>
        <strong>{title}</strong>
        {children && <div className={styles.text}>{children}</div>}
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
    </div>
  );
}

/** An error in the host's own words, with its request id for whoever reads the logs. */
export function ErrorNotice({ error, onRetry }: { error: Error; onRetry?: () => void }) {
  const problem = error instanceof ApiError ? error.problem : null;
  const retry = onRetry && <Button onClick={onRetry}>Try again</Button>;
  return (
    <Notice tone="bad" title={problem?.title ?? "Something went wrong"} actions={retry}>
      {problem ? problem.detail : error.message}
      {problem?.requestId && <div className={styles.request}>Request {problem.requestId}</div>}
    </Notice>
  );
}

/** An empty place: what would be here, and how it comes to be. */
export function Empty({ icon: Icon, title, children }: { icon: LucideIcon; title: string; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <Icon size={28} strokeWidth={1.5} aria-hidden="true" />
      <strong>{title}</strong>
      {children && <div className={styles.text}>{children}</div>}
    </div>
  );
}
