// A project's workbench: files, editor, terminal, process, commands and preview around one header.
import { PanelRightClose, PanelRightOpen } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { ApiError, type Project } from "../api";
import { useProject } from "../state/queries";
import { AppBar } from "../ui/AppBar";
import { Button } from "../ui/Button";
import { ErrorNotice, Notice } from "../ui/Notice";
import { Loading } from "../ui/Spinner";
import { Splitter } from "../ui/Splitter";
import { StatusBadge } from "../ui/StatusBadge";
import { useIsNarrow } from "../ui/useIsNarrow";
import { BottomPanel } from "./BottomPanel";
import styles from "./ProjectPage.module.css";
import { RuntimeButtons } from "./RuntimeButtons";
import { EditorArea } from "./editor/EditorArea";
import { type OpenFilesHandle, useOpenFiles } from "./editor/openFiles";
import { FileTree } from "./files/FileTree";
import { PreviewPane } from "./preview/PreviewPane";

export default function ProjectPage() {
  const { project: name = "" } = useParams();
  const project = useProject(name);
  if (project.isPending) return <Loading what={`Opening ${name}…`} />;
  // While the host is away the workbench stays, with its unsaved edits; only a project that is gone takes it along.
  const isGone = project.error instanceof ApiError && project.error.status === 404;
  if (isGone) return <Gone name={name} />;
  if (!project.data) return <NotOpened name={name} error={project.error} onRetry={() => void project.refetch()} />;
  return <Workbench key={name} project={project.data} />;
}

function Outside({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles.page}>
      <AppBar>
        <strong>{name}</strong>
      </AppBar>
      <main className={styles.refused}>{children}</main>
    </div>
  );
}

function Gone({ name }: { name: string }) {
  return (
    <Outside name={name}>
      <Notice tone="warn" title={`There is no project named ${name}`} actions={<Link to="/">See all projects</Link>}>
        It may have been deleted, or its name is written differently.
      </Notice>
    </Outside>
  );
}

function NotOpened({ name, error, onRetry }: { name: string; error: Error; onRetry: () => void }) {
  return (
    <Outside name={name}>
      <ErrorNotice error={error} onRetry={onRetry} />
    </Outside>
  );
}

function Workbench({ project }: { project: Project }) {
  const navigate = useNavigate();
  const isNarrow = useIsNarrow();
  const [isPreviewShown, setPreviewShown] = useState(true);
  const [pane, setPane] = useState<Pane>("files");
  const files = useOpenFiles();
  const onOpen = (file: string) => {
    files.open(file);
    setPane("editor");
  };
  const state = project.runtime?.status ?? "absent";
  return (
    <div className={styles.page}>
      <title>{`${project.name} · Lockhouse`}</title>
      <AppBar
        actions={
          <>
            <RuntimeButtons project={project} isWide={!isNarrow} onDeleted={() => void navigate("/")} />
            {!isNarrow && (
              <Button
                icon={isPreviewShown ? PanelRightClose : PanelRightOpen}
                aria-pressed={isPreviewShown}
                title={isPreviewShown ? "Hide the preview" : "Show the preview"}
                onClick={() => setPreviewShown(!isPreviewShown)}
              >
                Preview
              </Button>
            )}
          </>
        }
      >
        <h1 className={styles.name}>{project.name}</h1>
        {project.kind && !isNarrow && <span className={styles.kind}>{project.kind}</span>}
        <StatusBadge status={state} reason={project.runtime?.reason} />
      </AppBar>
      {state === "failed" && (
        <div className={styles.failed}>
          <Notice tone="bad" title="The runtime failed">
            {project.runtime?.reason ?? "The server gave no reason."} Start tries again; the files are untouched.
          </Notice>
        </div>
      )}
      <main className={styles.main}>
        <Bench project={project} files={files} shown={isNarrow ? pane : null} isPreviewShown={isPreviewShown} onOpen={onOpen} />
      </main>
      {isNarrow && <PaneChoice shown={pane} onShow={setPane} />}
    </div>
  );
}

const PANES = ["files", "editor", "runtime", "preview"] as const;
type Pane = (typeof PANES)[number];
const PANE_LABELS: Readonly<Record<Pane, string>> = { files: "Files", editor: "Editor", runtime: "Runtime", preview: "Preview" };

function PaneChoice({ shown, onShow }: { shown: Pane; onShow: (pane: Pane) => void }) {
  return (
    <nav className={styles.panes} aria-label="Parts of the project">
      {PANES.map((pane) => (
        <button type="button" key={pane} aria-current={pane === shown} onClick={() => onShow(pane)}>
          {PANE_LABELS[pane]}
        </button>
      ))}
    </nav>
  );
}

interface BenchProps {
  project: Project;
  files: OpenFilesHandle;
  /** The one pane that is seen; null for all. */
  shown: Pane | null;
  isPreviewShown: boolean;
  onOpen: (file: string) => void;
}

/** The same panes however many are seen: one that is hidden keeps its edits, its shell and its place. */
function Bench({ project, files, shown, isPreviewShown, onOpen }: BenchProps) {
  const isPreviewSeen = shown === null ? isPreviewShown : shown === "preview";
  const middle = (
    <Splitter
      name="panel"
      direction="column"
      initial={56}
      only={shown === "editor" ? "first" : shown === "runtime" ? "second" : null}
      first={<EditorArea project={project.name} files={files} />}
      second={<BottomPanel project={project} isShown={shown === null || shown === "runtime"} />}
    />
  );
  const right = (
    <Splitter
      name="preview"
      direction="row"
      initial={58}
      least={25}
      only={!isPreviewSeen ? "first" : shown === "preview" ? "second" : null}
      first={middle}
      second={isPreviewSeen && <PreviewPane project={project.name} state={project.runtime?.status ?? "absent"} />}
    />
  );
  return (
    <Splitter
      name="files"
      direction="row"
      initial={17}
      most={45}
      only={shown === null ? null : shown === "files" ? "first" : "second"}
      first={<FileTree project={project.name} chosen={files.current} onOpen={onOpen} />}
      second={right}
    />
  );
}
