// What there is of the runtime, one at a time: all stay alive while another one is shown.
import { Power } from "lucide-react";
import { useState } from "react";
import type { Project } from "../api";
import { Empty } from "../ui/Notice";
import { Tabs, panelOf } from "../ui/Tabs";
import styles from "./BottomPanel.module.css";
import { CommandPanel } from "./command/CommandPanel";
import { NetworkPanel } from "./network/NetworkPanel";
import { PortsPanel } from "./ports/PortsPanel";
import { ProcessPanel } from "./process/ProcessPanel";
import { RuntimePanel } from "./runtime/RuntimePanel";
import { TerminalPanel } from "./terminal/TerminalPanel";

const TABS = ["terminal", "process", "command", "runtime", "network", "ports"] as const;
type Tab = (typeof TABS)[number];
const LABELS: Readonly<Record<Tab, string>> = {
  terminal: "Terminal",
  process: "Process & logs",
  command: "Command",
  runtime: "Runtime",
  network: "Network",
  ports: "Ports",
};

export function BottomPanel({ project, isShown = true }: { project: Project; isShown?: boolean }) {
  const [shown, setShown] = useState<Tab>("terminal");
  return (
    <section className={styles.panel} aria-label="Runtime">
      <Tabs name="runtime" label="Runtime" tabs={TABS} labels={LABELS} shown={shown} onShow={setShown} />
      {TABS.map((tab) => (
        <div key={tab} {...panelOf("runtime", tab, shown)} className={styles.content}>
          <Content tab={tab} project={project} isShown={isShown && tab === shown} />
        </div>
      ))}
    </section>
  );
}

function Content({ tab, project, isShown }: { tab: Tab; project: Project; isShown: boolean }) {
  if (tab === "runtime") return <RuntimePanel project={project} isShown={isShown} />;
  if (tab === "network") return <NetworkPanel project={project} isShown={isShown} />;
  if (tab === "ports") return <PortsPanel project={project} isShown={isShown} />;
  if (project.runtime?.status !== "running") return <NotRunning tab={tab} />;
  if (tab === "terminal") return <TerminalPanel project={project.name} isShown={isShown} />;
  return tab === "process" ? <ProcessPanel project={project.name} /> : <CommandPanel project={project.name} />;
}

function NotRunning({ tab }: { tab: Tab }) {
  return (
    <Empty icon={Power} title="The runtime is not running">
      {tab === "process" ? "Start it to see its process and logs." : "Start it above to work in it."}
    </Empty>
  );
}
