// What the runtime asked for, as it asks: refused or let through, and what came of it.
import type { Traffic } from "../../state/traffic";
import { Button } from "../../ui/Button";
import { Section, Table, Tag } from "../../ui/Sheet";
import { clockText, sizeText } from "../../ui/figures";
import { useNow } from "../../ui/useNow";
import styles from "./NetworkPanel.module.css";

interface TrafficListProps {
  traffic: Traffic;
  /** Null where the user may not allow anything. */
  onAllow: ((host: string, port: number) => void) | null;
}

export function TrafficList({ traffic: { decided, transfers }, onAllow }: TrafficListProps) {
  const now = useNow(60_000);
  return (
    <Section title="As it happens" about="What this page heard of since it was opened.">
      {decided.length === 0 && transfers.length === 0 && <p className={styles.nothing}>Nothing yet. An install shows up here.</p>}
      {transfers.length > 0 && (
        <ul className={styles.transfers} aria-label="Downloads">
          {transfers.map(({ host, bytes }) => (
            <li key={host}>
              <code>{host}</code> <strong>{sizeText(bytes)}</strong>
            </li>
          ))}
        </ul>
      )}
      {decided.length > 0 && (
        <div className={styles.decided} role="log" aria-label="Decisions">
          <Table label="Decisions, newest first" columns={["Host", "Decision", "Why", "When", "·Allow"]}>
            {decided.map(({ id, at, host, port, isAllowed, reason, times }) => (
              <tr key={id} data-allowed={isAllowed}>
                <td>
                  <code>
                    {host}:{port}
                  </code>
                </td>
                <td>
                  <Tag tone={isAllowed ? "good" : "bad"}>{isAllowed ? "allowed" : "refused"}</Tag>
                  {times > 1 && ` ×${times}`}
                </td>
                <td>{reason}</td>
                <td className={styles.time}>{clockText(at, now)}</td>
                <td>
                  {!isAllowed && onAllow && (
                    <Button look="quiet" aria-label={`Allow ${host}`} onClick={() => onAllow(host, port)}>
                      Allow…
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        </div>
      )}
    </Section>
  );
}
