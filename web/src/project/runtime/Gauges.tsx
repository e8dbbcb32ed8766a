// What a runtime uses of its limits, live: a figure, a bar, and the last two minutes as a line.
import { useEffect, useReducer, useState } from "react";
import { type Limits, followStats } from "../../api";
import { ErrorNotice } from "../../ui/Notice";
import { Section, Tag } from "../../ui/Sheet";
import styles from "./RuntimePanel.module.css";
import { type Gauge, NO_USE, gauges, holdOf, linePoints, sampled } from "./use";

const LINE = { width: 120, height: 28 };
/** From here on a limit is near. */
const NEAR = 0.9;

interface GaugesProps {
  project: string;
  limits: Limits;
  /** Followed only then: each second costs the host a look. */
  isLive: boolean;
}

export function Gauges({ project, limits, isLive }: GaugesProps) {
  const { use, refused } = useUse(project, limits.cpu.cpus, isLive);
  return (
    <Section title="Use" about={isLive ? "each second anew" : "while it runs"}>
      {refused && <ErrorNotice error={refused} />}
      <ul className={styles.gauges}>
        {gauges(use, limits).map((gauge) => (
          <GaugeOf key={gauge.name} gauge={gauge} />
        ))}
      </ul>
    </Section>
  );
}

function useUse(project: string, cpus: number, isLive: boolean) {
  const [use, add] = useReducer(sampled, NO_USE);
  const [refused, setRefused] = useState<Error | null>(null);
  useEffect(() => {
    if (!isLive) return;
    const stop = followStats(project, { onStats: (stats) => add({ stats, cpus }), onRefused: setRefused });
    return () => {
      stop();
      add(null);
    };
  }, [project, cpus, isLive]);
  return { use, refused };
}

function GaugeOf({ gauge: { name, used, limit, part, history, enforcement } }: { gauge: Gauge }) {
  const hold = holdOf(enforcement);
  const percent = part === null ? null : Math.round(part * 100);
  return (
    <li className={styles.gauge} data-gauge={name}>
      <header>
        <span>{name}</span>
        <Tag tone={hold.isHeld ? "still" : "warn"} title={hold.meaning}>
          {hold.word}
        </Tag>
      </header>
      <p>
        <strong>{used}</strong> of {limit}
      </p>
      <div
        className={styles.bar}
        role="meter"
        aria-label={`${name} in use`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent ?? 0}
        aria-valuetext={`${used} of ${limit}`}
      >
        <div data-near={part !== null && part >= NEAR} style={{ width: `${percent ?? 0}%` }} />
      </div>
      {history.length > 0 && (
        <svg viewBox={`0 -1 ${LINE.width} ${LINE.height + 2}`} preserveAspectRatio="none" aria-hidden="true" className={styles.line}>
          <polyline points={linePoints(history, LINE.width, LINE.height)} />
        </svg>
      )}
      {!hold.isHeld && <small>{hold.meaning}</small>}
    </li>
  );
}
