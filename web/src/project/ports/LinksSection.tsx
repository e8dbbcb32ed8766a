// Links that show a preview to whoever has them: made, copied once, revoked.
import { Link2, Trash2 } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import type { NewLink, Port, PreviewLink } from "../../api";
import { useCreateLink, useLinks, useRevokeLink } from "../../state/runtimeQueries";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { ErrorNotice } from "../../ui/Notice";
import { Section, Table } from "../../ui/Sheet";
import sheet from "../../ui/Sheet.module.css";
import { awayText, clockText } from "../../ui/figures";
import { useNow } from "../../ui/useNow";
import styles from "./PortsPanel.module.css";
import { LIFETIMES, LIFETIME_LABELS, inOrder, portText } from "./links";

export function LinksSection({ project, ports, isShown }: { project: string; ports: readonly Port[]; isShown: boolean }) {
  const links = useLinks(project, isShown);
  const creating = useCreateLink(project);
  const revoking = useRevokeLink(project);
  const made = creating.data;
  const isMadeAlive = made && links.data?.some(({ id }) => id === made.id);
  return (
    <Section title="Links for others" about="Whoever has one sees the preview, without signing in, until it expires or is revoked.">
      <CreateForm ports={ports} isBusy={creating.isPending} onCreate={(link) => creating.mutate(link)} />
      {creating.error && <ErrorNotice error={creating.error} />}
      {made && isMadeAlive && <Made link={made} />}
      {links.error && <ErrorNotice error={links.error} onRetry={() => void links.refetch()} />}
      {revoking.error && <ErrorNotice error={revoking.error} />}
      {links.data && links.data.length > 0 && (
        <Links links={links.data} revoking={revoking.isPending ? revoking.variables : null} onRevoke={(id) => revoking.mutate(id)} />
      )}
    </Section>
  );
}

interface CreateFormProps {
  ports: readonly Port[];
  isBusy: boolean;
  onCreate: (link: { port?: number; expires_in: number }) => void;
}

function CreateForm({ ports, isBusy, onCreate }: CreateFormProps) {
  const [port, setPort] = useState("");
  const [seconds, setSeconds] = useState<number>(LIFETIMES[1]);
  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    onCreate({ expires_in: seconds, ...(port ? { port: Number(port) } : {}) });
  }
  return (
    <form className={styles.form} onSubmit={onSubmit} aria-label="New link">
      <label className={sheet.field}>
        <span>Shows port</span>
        <select value={port} onChange={(event) => setPort(event.target.value)}>
          <option value="">{portText(null)}</option>
          {inOrder(ports).map((each) => (
            <option key={each.port} value={each.port}>
              {each.port}
            </option>
          ))}
        </select>
      </label>
      <label className={sheet.field}>
        <span>Lasts</span>
        <select value={seconds} onChange={(event) => setSeconds(Number(event.target.value))}>
          {LIFETIMES.map((each) => (
            <option key={each} value={each}>
              {LIFETIME_LABELS[each]}
            </option>
          ))}
        </select>
      </label>
      <Button type="submit" icon={Link2} isBusy={isBusy}>
        Create link
      </Button>
    </form>
  );
}

/** Its address is told once. */
function Made({ link }: { link: NewLink }) {
  return (
    <div className={styles.made} role="status">
      <label className={sheet.field}>
        <span>The new link. Copy it now: it is not told again.</span>
        <input readOnly value={link.url} onFocus={(event) => event.target.select()} />
      </label>
      <CopyButton text={link.url} label="Copy the new link" />
    </div>
  );
}

interface LinksProps {
  links: readonly PreviewLink[];
  /** The one that is being revoked. */
  revoking: string | null;
  onRevoke: (link: string) => void;
}

function Links({ links, revoking, onRevoke }: LinksProps) {
  const now = useNow(30_000);
  return (
    <Table label="Links" columns={["Port", "Made", "Expires", "·Revoke"]}>
      {links.map(({ id, port, created_by: by, created_at: at, expires_at: expires }) => (
        <tr key={id} data-link={id}>
          <td>{portText(port)}</td>
          <td>
            {clockText(at, now)} by {by}
          </td>
          <td title={clockText(expires, now)}>{awayText(expires, now)}</td>
          <td className={styles.open}>
            <Button icon={Trash2} isBusy={revoking === id} aria-label={`Revoke the link made ${clockText(at, now)}`} onClick={() => onRevoke(id)}>
              Revoke
            </Button>
          </td>
        </tr>
      ))}
    </Table>
  );
}
