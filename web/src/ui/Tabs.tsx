// A row of tabs that the arrow keys move along; the panels belong to whoever shows them.
import { type KeyboardEvent, useRef } from "react";
import styles from "./Tabs.module.css";

interface TabsProps<Tab extends string> {
  /** Tells these tabs from others on the page. */
  name: string;
  label: string;
  tabs: readonly Tab[];
  labels: Readonly<Record<Tab, string>>;
  shown: Tab;
  onShow: (tab: Tab) => void;
}

export function Tabs<Tab extends string>({ name, label, tabs, labels, shown, onShow }: TabsProps<Tab>) {
  const list = useRef<HTMLDivElement>(null);
  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(shown) + step + tabs.length) % tabs.length] ?? shown;
    onShow(next);
    list.current?.querySelector<HTMLElement>(`#${tabId(name, next)}`)?.focus();
  }
  return (
    <div ref={list} role="tablist" aria-label={label} className={styles.tabs} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          type="button"
          role="tab"
          key={tab}
          id={tabId(name, tab)}
          aria-selected={tab === shown}
          aria-controls={panelId(name, tab)}
          tabIndex={tab === shown ? 0 : -1}
          onClick={() => onShow(tab)}
        >
          {labels[tab]}
        </button>
      ))}
    </div>
  );
}

const tabId = (name: string, tab: string): string => `${name}-tab-${tab}`;
const panelId = (name: string, tab: string): string => `${name}-panel-${tab}`;

/** What a tab's panel says of itself. */
export const panelOf = (name: string, tab: string, shown: string) =>
  ({ role: "tabpanel", id: panelId(name, tab), "aria-labelledby": tabId(name, tab), hidden: tab !== shown }) as const;
