// The project's files, read a folder at a time: a folder of ten thousand packages costs nothing until it is opened.
import { FolderOpen, RefreshCw } from "lucide-react";
import { useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useRef } from "react";
import { keys, useDirectory } from "../../state/queries";
import { Button } from "../../ui/Button";
import { Empty, ErrorNotice } from "../../ui/Notice";
import { Loading } from "../../ui/Spinner";
import styles from "./FileTree.module.css";
import { TreeNode } from "./TreeNode";

interface FileTreeProps {
  project: string;
  chosen: string | null;
  onOpen: (file: string) => void;
}

export function FileTree({ project, chosen, onOpen }: FileTreeProps) {
  const client = useQueryClient();
  return (
    <nav className={styles.pane} aria-label="Files">
      <div className={styles.head}>
        <h2>Files</h2>
        <Button
          look="quiet"
          icon={RefreshCw}
          aria-label="Read the files again"
          title="Read the files again"
          onClick={() => void client.invalidateQueries({ queryKey: keys.files(project) })}
        />
      </div>
      <Root project={project} chosen={chosen} onOpen={onOpen} />
    </nav>
  );
}

function Root({ project, chosen, onOpen }: FileTreeProps) {
  const tree = useRef<HTMLUListElement>(null);
  const root = useDirectory(project, "");
  if (root.isPending) return <Loading what="Reading files…" />;
  if (root.isError) return <ErrorNotice error={root.error} onRetry={() => void root.refetch()} />;
  if (root.data.entries.length === 0) {
    return (
      <Empty icon={FolderOpen} title="No files yet">
        They appear here when an agent, the terminal or the API writes them.
      </Empty>
    );
  }
  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...(tree.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    items[items.findIndex((item) => item === document.activeElement) + step]?.focus();
  }
  return (
    <ul ref={tree} role="tree" aria-label={`Files of ${project}`} className={styles.tree} onKeyDown={onKeyDown}>
      {root.data.entries.map((entry) => (
        <TreeNode key={entry.path} project={project} entry={entry} depth={0} chosen={chosen} onOpen={onOpen} />
      ))}
      {!root.data.isWhole && <li className={styles.more}>More files than can be shown</li>}
    </ul>
  );
}
