// Which ports of a runtime listen and where each is seen, and the links that show the preview to others.
import { ExternalLink, Plug } from "lucide-react";
import { type Port, type Project, previewPath } from "../../api";
import { usePorts } from "../../state/runtimeQueries";
import button from "../../ui/Button.module.css";
import { Empty, ErrorNotice } from "../../ui/Notice";
import { Section, Sheet, Table, Tag } from "../../ui/Sheet";
import { Loading } from "../../ui/Spinner";
import { LinksSection } from "./LinksSection";
import styles from "./PortsPanel.module.css";
import { inOrder } from "./links";

export function PortsPanel({ project, isShown }: { project: Project; isShown: boolean }) {
  const hasRuntime = project.runtime !== null && project.runtime.status !== "absent";
  const isWanted = isShown && hasRuntime;
  const ports = usePorts(project.name, isWanted);
  if (!hasRuntime) {
    return (
      <Empty icon={Plug} title="There is no runtime yet">
        Start makes one; the ports on which its programs listen show up here.
      </Empty>
    );
  }
  return (
    <Sheet label="Ports">
      <Section title="Ports">
        {ports.error && <ErrorNotice error={ports.error} onRetry={() => void ports.refetch()} />}
        {ports.isPending && <Loading what="Asking for the ports…" />}
        {ports.data && <Ports project={project.name} ports={ports.data} />}
      </Section>
      <LinksSection project={project.name} ports={ports.data ?? []} isShown={isWanted} />
    </Sheet>
  );
}

function Ports({ project, ports }: { project: string; ports: readonly Port[] }) {
  if (ports.length === 0) return <p>No port is exposed, and nothing listens.</p>;
  return (
    <Table label="Ports" columns={["Port", "State", "On the host", "·Preview"]}>
      {inOrder(ports).map(({ port, listening, exposed, host_port: hostPort, preview_url: url }) => (
        <tr key={port} data-port={port} data-listening={listening}>
          <td>
            <code>{port}</code>
          </td>
          <td>
            {listening ? <Tag tone="good">listening</Tag> : <Tag>nothing listens</Tag>} {!exposed && <Tag title="Seen by the preview, but not by a port of the host.">not exposed</Tag>}
          </td>
          <td>{hostPort === null ? "–" : <HostPort url={url} port={hostPort} isLive={listening} />}</td>
          <td className={styles.open}>{listening && <OpenPreview project={project} port={port} />}</td>
        </tr>
      ))}
    </Table>
  );
}

/** What the host answers at its own port is the project's alone. */
function HostPort({ url, port, isLive }: { url: string; port: number; isLive: boolean }) {
  if (!isLive) return <code>{port}</code>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      <code>{port}</code>
    </a>
  );
}

function OpenPreview({ project, port }: { project: string; port: number }) {
  return (
    <a
      className={`${button.button} ${styles.link}`}
      href={previewPath(project, port)}
      target="_blank"
      rel="noopener noreferrer"
      aria-label={`Open the preview of port ${port} in a tab`}
    >
      <ExternalLink size={14} aria-hidden="true" /> Open
    </a>
  );
}
