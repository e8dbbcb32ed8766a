// Terminal, process and commands, one at a time. All stay alive while another one is shown.
import { type KeyboardEvent, useRef, useState } from "react";
import type { Project } from "../api";
import { Empty } from "../ui/Notice";
import { Power } from "lucide-react";
import styles from "./BottomPanel.module.css";
import { CommandPanel } from "./command/CommandPanel";
import { ProcessPanel } from "./process/ProcessPanel";
import { TerminalPanel } from "./terminal/TerminalPanel";

const TABS = ["terminal", "process", "command"] as const;
type Tab = (typeof TABS)[number];
const LABELS: Readonly<Record<Tab, string>> = { terminal: "Terminal", process: "Process & logs", command: "Command" };

export function BottomPanel({ project }: { project: Project }) {
  const [shown, setShown] = useState<Tab>("terminal");
  const list = useRef<HTMLDivElement>(null);
  const isRunning = project.runtime?.status === "running";

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(shown) + step + TABS.length) % TABS.length] ?? shown;
    setShown(next);
    list.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  }
  return (
    <section className={styles.panel} aria-label="Runtime">
      <div ref={list} role="tablist" aria-label="Runtime" className={styles.tabs} onKeyDown={onKeyDown}>
        {TABS.map((tab) => (
          <button
            type="button"
            role="tab"
            key={tab}
            id={`tab-${tab}`}
            aria-selected={tab === shown}
            aria-controls={`panel-${tab}`}
            tabIndex={tab === shown ? 0 : -1}
            onClick={() => setShown(tab)}
          >
            {LABELS[tab]}
          </button>
        ))}
      </div>
      {TABS.map((tab) => (
        <div
          key={tab}
          role="tabpanel"
          id={`panel-${tab}`}
          aria-labelledby={`tab-${tab}`}
          hidden={tab !== shown}
          className={styles.content}
        >
          {isRunning ? <Content tab={tab} project={project.name} isShown={tab === shown} /> : <NotRunning tab={tab} />}
        </div>
      ))}
    </section>
  );
}

function Content({ tab, project, isShown }: { tab: Tab; project: string; isShown: boolean }) {
  if (tab === "terminal") return <TerminalPanel project={project} isShown={isShown} />;
  return tab === "process" ? <ProcessPanel project={project} /> : <CommandPanel project={project} />;
}

function NotRunning({ tab }: { tab: Tab }) {
  return (
    <Empty icon={Power} title="The runtime is not running">
      {tab === "process" ? "Start it to see its process and logs." : "Start it above to work in it."}
    </Empty>
  );
}
