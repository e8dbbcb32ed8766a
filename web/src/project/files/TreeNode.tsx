// One file or folder of the tree; a folder reads its content when it is opened.
import { ChevronRight, File, FileSymlink, Folder, FolderOpen } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import type { FileEntry } from "../../api";
import { useDirectory } from "../../state/queries";
import styles from "./FileTree.module.css";

interface TreeNodeProps {
  project: string;
  entry: FileEntry;
  depth: number;
  chosen: string | null;
  onOpen: (file: string) => void;
}

/** How far each level is set in. */
const INDENT_PX = 14;

export function TreeNode({ project, entry, depth, chosen, onOpen }: TreeNodeProps) {
  const [isOpen, setOpen] = useState(false);
  const isFolder = entry.type === "directory";

  function onKeyDown(event: KeyboardEvent) {
    if (isFolder && event.key === (isOpen ? "ArrowLeft" : "ArrowRight")) setOpen(!isOpen);
  }
  return (
    <li role="treeitem" aria-expanded={isFolder ? isOpen : undefined} aria-selected={entry.path === chosen}>
      <button
        type="button"
        className={styles.entry}
        style={{ paddingLeft: 8 + depth * INDENT_PX }}
        title={entry.path}
        onKeyDown={onKeyDown}
        onClick={() => (isFolder ? setOpen(!isOpen) : onOpen(entry.path))}
      >
        {isFolder ? <ChevronRight size={14} className={styles.chevron} aria-hidden="true" /> : <span className={styles.chevron} />}
        <Picture type={entry.type} isOpen={isOpen} />
        <span className={styles.label}>{entry.name}</span>
      </button>
      {isOpen && (
        <ul role="group">
          <Children project={project} directory={entry.path} depth={depth + 1} chosen={chosen} onOpen={onOpen} />
        </ul>
      )}
    </li>
  );
}

interface ChildrenProps extends Omit<TreeNodeProps, "entry"> {
  directory: string;
}

function Children({ project, directory, depth, ...rest }: ChildrenProps) {
  const listing = useDirectory(project, directory);
  const indent = { paddingLeft: 30 + depth * INDENT_PX };
  const say = (sentence: string) => (
    <li className={styles.more} style={indent}>
      {sentence}
    </li>
  );
  if (listing.isPending) return say("Reading…");
  if (listing.isError) return say(listing.error.message);
  if (listing.data.entries.length === 0) return say("Empty");
  return (
    <>
      {listing.data.entries.map((entry) => (
        <TreeNode key={entry.path} project={project} entry={entry} depth={depth} {...rest} />
      ))}
      {!listing.data.isWhole && say("More files than can be shown")}
    </>
  );
}

function Picture({ type, isOpen }: { type: FileEntry["type"]; isOpen: boolean }) {
  const shared = { size: 15, "aria-hidden": true } as const;
  if (type === "symlink") return <FileSymlink {...shared} className={styles.file} />;
  if (type === "file") return <File {...shared} className={styles.file} />;
  return isOpen ? <FolderOpen {...shared} className={styles.folder} /> : <Folder {...shared} className={styles.folder} />;
}
