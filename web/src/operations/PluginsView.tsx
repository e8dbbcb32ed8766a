// Every plugin: what runs, how it is, and switching it off, on, or back.
import { History, Power, PowerOff, Puzzle } from "lucide-react";
import type { Plugin, PluginAction } from "../api";
import { useChangePlugin, usePlugins } from "../state/operationQueries";
import { Button } from "../ui/Button";
import { Empty, ErrorNotice } from "../ui/Notice";
import { Table, Tag } from "../ui/Sheet";
import { Loading } from "../ui/Spinner";
import { clockText } from "../ui/figures";
import { useNow } from "../ui/useNow";
import styles from "./PluginsView.module.css";
import { actionsOf, healthOf, previousText, shortDigest } from "./plugins";

export function PluginsView() {
  const plugins = usePlugins();
  const now = useNow(30_000);
  if (plugins.error) return <ErrorNotice error={plugins.error} onRetry={() => void plugins.refetch()} />;
  if (!plugins.data) return <Loading what="Asking for the plugins…" />;
  if (plugins.data.length === 0) return <Empty icon={Puzzle} title="There is no plugin" />;
  return (
    <ul className={styles.list}>
      {plugins.data.map((plugin) => (
        <PluginCard key={plugin.name} plugin={plugin} nowMs={now} />
      ))}
    </ul>
  );
}

function PluginCard({ plugin, nowMs }: { plugin: Plugin; nowMs: number }) {
  const health = healthOf(plugin, nowMs);
  return (
    <li className={styles.card} data-plugin={plugin.name}>
      <header>
        <h2>
          {plugin.name} <small>{plugin.version}</small>
        </h2>
        <Tag tone={health.tone}>{health.word}</Tag>
        {plugin.roles.map((role) => (
          <Tag key={role}>{role}</Tag>
        ))}
        <Actions plugin={plugin} />
      </header>
      {plugin.summary && <p>{plugin.summary}</p>}
      {health.why && <p className={styles[health.tone]}>{health.why}</p>}
      <Facts plugin={plugin} />
      {plugin.versions.length > 0 && <Versions plugin={plugin} nowMs={nowMs} />}
    </li>
  );
}

const LOOKS = {
  enable: { icon: Power, label: "Enable" },
  disable: { icon: PowerOff, label: "Disable" },
  rollback: { icon: History, label: "Roll back" },
} as const;

function Actions({ plugin }: { plugin: Plugin }) {
  const changing = useChangePlugin(plugin.name);
  const labelOf = (action: PluginAction) =>
    action === "rollback" ? `Roll back to ${previousText(plugin)}` : action === "enable" && plugin.quarantine ? "Try again" : LOOKS[action].label;
  return (
    <>
      <div className={styles.actions}>
        {actionsOf(plugin).map((action) => (
          <Button
            key={action}
            icon={LOOKS[action].icon}
            aria-label={`${labelOf(action)}: ${plugin.name}`}
            isBusy={changing.isPending && changing.variables === action}
            onClick={() => changing.mutate(action)}
          >
            {labelOf(action)}
          </Button>
        ))}
      </div>
      {changing.error && (
        <div className={styles.refused}>
          <ErrorNotice error={changing.error} />
        </div>
      )}
    </>
  );
}

function Facts({ plugin: { built_in: isBuiltIn, digest, bindings, asked, granted } }: { plugin: Plugin }) {
  const facts = [
    ["From", isBuiltIn ? "part of the server" : "installed"],
    ["Digest", shortDigest(digest)],
    ["Used", bindings.map(({ mode, project }) => `${mode === "shadow" ? "in shadow " : ""}${project ? "by one project" : "by all"}`).join(", ")],
    ["Asks for", asked.join(", ")],
    ["Granted", granted.join(", ")],
  ] as const;
  return (
    <dl className={styles.facts}>
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function Versions({ plugin, nowMs }: { plugin: Plugin; nowMs: number }) {
  return (
    <details>
      <summary>
        {plugin.versions.length} {plugin.versions.length === 1 ? "version is" : "versions are"} kept
      </summary>
      <Table label={`Versions of ${plugin.name}`} columns={["Version", "Digest", "From", "Signed by", "Installed"]}>
        {plugin.versions.map(({ digest, version, source, signed_by: signer, installed_by: by, installed_at: at }) => (
          <tr key={digest}>
            <td>
              {version} {digest === plugin.digest && <Tag tone="good">runs</Tag>}
            </td>
            <td>
              <code>{shortDigest(digest)}</code>
            </td>
            <td>{source}</td>
            <td>{signer ?? "–"}</td>
            <td>
              {clockText(at, nowMs)} by {by}
            </td>
          </tr>
        ))}
      </Table>
    </details>
  );
}
