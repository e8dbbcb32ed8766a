// The runtime itself: its state and why, what it uses, when it will be stopped, and what it may use.
import { Power } from "lucide-react";
import type { Project } from "../../api";
import { useActivity } from "../../state/runtimeQueries";
import { Empty, ErrorNotice } from "../../ui/Notice";
import { Section, Sheet } from "../../ui/Sheet";
import { StatusBadge } from "../../ui/StatusBadge";
import { clockText } from "../../ui/figures";
import { useNow } from "../../ui/useNow";
import { Gauges } from "./Gauges";
import { LimitsForm } from "./LimitsForm";
import styles from "./RuntimePanel.module.css";
import { deadlinesOf } from "./deadlines";

/** How often what is told of times is told anew. */
const TELL_EVERY_MS = 5_000;

export function RuntimePanel({ project, isShown }: { project: Project; isShown: boolean }) {
  const { runtime } = project;
  const activity = useActivity(project.name, isShown && runtime !== null);
  if (!runtime || runtime.status === "absent" || !runtime.limits) {
    return (
      <Empty icon={Power} title="There is no runtime yet">
        Start makes one. Then you see here what it uses, and when it will be stopped.
      </Empty>
    );
  }
  return (
    <Sheet label="About the runtime">
      <State runtime={runtime} isShown={isShown} />
      <Gauges key={runtime.status} project={project.name} limits={runtime.limits} isLive={isShown && runtime.status === "running"} />
      {activity.error && <ErrorNotice error={activity.error} onRetry={() => void activity.refetch()} />}
      {activity.data && <Deadlines activity={activity.data} isShown={isShown} />}
      {activity.data && (
        <LimitsForm project={project.name} limits={runtime.limits} commandTimeout={runtime.command_timeout ?? 0} activity={activity.data} />
      )}
    </Sheet>
  );
}

function State({ runtime, isShown }: { runtime: NonNullable<Project["runtime"]>; isShown: boolean }) {
  const now = useNow(TELL_EVERY_MS, isShown && runtime.retry_at != null);
  const { status, reason, restarts = 0, retry_at: retryAt } = runtime;
  return (
    <Section title="State" about={`on the engine ${runtime.engine ?? "?"}, network ${runtime.network ?? "?"}`}>
      <div className={styles.state}>
        <StatusBadge status={status} />
        <span>{reason ?? (status === "running" ? "All is as it should be." : "You stopped it, or it was never started.")}</span>
      </div>
      {restarts > 0 && (
        <p className={styles.restarts}>
          It ended by itself {restarts === 1 ? "once" : `${restarts} times in a row`}.
          {retryAt && ` It is started again at ${clockText(retryAt, now)}.`}
        </p>
      )}
    </Section>
  );
}

function Deadlines({ activity, isShown }: { activity: Parameters<typeof deadlinesOf>[0]; isShown: boolean }) {
  const now = useNow(TELL_EVERY_MS, isShown);
  const deadlines = deadlinesOf(activity, now);
  if (deadlines.length === 0) return null;
  return (
    <Section title="Will be stopped">
      <dl className={styles.deadlines}>
        {deadlines.map(({ name, when, why }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <strong>{when}</strong>
              <span>{why}</span>
            </dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
