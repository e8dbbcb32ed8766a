// What a runtime may reach and by which rule, what it reached or was refused, and the project's own lists.
import { Network as NetworkIcon } from "lucide-react";
import { useState } from "react";
import type { Network, NetworkRule, Project } from "../../api";
import { useIsAdmin, useNetwork, useTraffic } from "../../state/runtimeQueries";
import { Empty, ErrorNotice } from "../../ui/Notice";
import { Section, Sheet, Table, Tag } from "../../ui/Sheet";
import { Loading } from "../../ui/Spinner";
import { sizeText } from "../../ui/figures";
import { ListsForm } from "./ListsForm";
import styles from "./NetworkPanel.module.css";
import { TrafficList } from "./TrafficList";
import { MODES, allowanceOf, allowing, ownLists, textOfHosts } from "./lists";

export function NetworkPanel({ project, isShown }: { project: Project; isShown: boolean }) {
  const hasRuntime = project.runtime !== null && project.runtime.status !== "absent";
  const network = useNetwork(project.name, isShown && hasRuntime);
  if (!hasRuntime) {
    return (
      <Empty icon={NetworkIcon} title="There is no runtime yet">
        A runtime has no network of its own: what it asks for leaves through Lockhouse, by rules that you see here.
      </Empty>
    );
  }
  if (network.error) return <ErrorNotice error={network.error} onRetry={() => void network.refetch()} />;
  if (!network.data) return <Loading what="Asking for the rules…" />;
  return <Shown project={project.name} network={network.data} />;
}

function Shown({ project, network }: { project: string; network: Network }) {
  const isAdmin = useIsAdmin();
  const traffic = useTraffic(project);
  const own = ownLists(network.rules);
  const [draft, setDraft] = useState<{ allow: string; deny: string } | null>(null);
  const text = draft ?? { allow: textOfHosts(own.allow), deny: textOfHosts(own.deny) };
  const onAllow = (host: string, port: number) => setDraft(allowing(text, allowanceOf(host, port, network.ports)));
  return (
    <Sheet label="Network">
      <TrafficList traffic={traffic} onAllow={isAdmin ? onAllow : null} />
      <ListsForm project={project} own={own} text={text} onEdit={setDraft} isAdmin={isAdmin} />
      <Section title="Rules" about={`Mode ${network.mode}. ${MODES[network.mode]} The first rule that names a host decides.`}>
        {network.failures.length > 0 && (
          <details className={styles.failures}>
            <summary>Not every registry of the image could be learned</summary>
            <ul>
              {network.failures.map((failure) => (
                <li key={failure}>{failure}</li>
              ))}
            </ul>
          </details>
        )}
        <Rules rules={network.rules} />
        <p>
          <small>
            Ports {network.ports.join(", ")} unless a rule names another. Where only downloads are let through, one connection may send{" "}
            {sizeText(network.upload_bytes)}.
          </small>
        </p>
      </Section>
    </Sheet>
  );
}

function Rules({ rules }: { rules: readonly NetworkRule[] }) {
  if (rules.length === 0) return <p>No rule names any host, so all is refused.</p>;
  return (
    <Table label="Rules, in the order in which they decide" columns={["Host", "Effect", "From"]}>
      {rules.map(({ host, effect, downloads_only: isForDownloads, source }, at) => (
        // The order is what tells equal rules apart.
        <tr key={at}>
          <td>
            <code>{host}</code>
          </td>
          <td>
            <Tag tone={effect === "allow" ? "good" : "bad"}>{effect}</Tag> {isForDownloads && <Tag>downloads only</Tag>}
          </td>
          <td>{source}</td>
        </tr>
      ))}
    </Table>
  );
}
