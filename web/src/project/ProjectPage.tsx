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
import { BottomPanel } from "./BottomPanel";
import styles from "./ProjectPage.module.css";
import { RuntimeButtons } from "./RuntimeButtons";
import { EditorArea } from "./editor/EditorArea";
import { useOpenFiles } from "./editor/openFiles";
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
  const [isPreviewShown, setPreviewShown] = useState(true);
  const files = useOpenFiles();
  const state = project.runtime?.status ?? "absent";
  const middle = (
    <Splitter
      name="panel"
      direction="column"
      initial={56}
      first={<EditorArea project={project.name} files={files} />}
      second={<BottomPanel project={project} />}
    />
  );
  const right = isPreviewShown ? (
    <Splitter
      name="preview"
      direction="row"
      initial={58}
      least={25}
      first={middle}
      second={<PreviewPane project={project.name} state={state} />}
    />
  ) : (
    middle
  );
  return (
    <div className={styles.page}>
      <title>{`${project.name} · Lockhouse`}</title>
      <AppBar
        actions={
          <>
            <RuntimeButtons project={project} isWide onDeleted={() => void navigate("/")} />
            <Button
              icon={isPreviewShown ? PanelRightClose : PanelRightOpen}
              aria-pressed={isPreviewShown}
              title={isPreviewShown ? "Hide the preview" : "Show the preview"}
              onClick={() => setPreviewShown(!isPreviewShown)}
            >
              Preview
            </Button>
          </>
        }
      >
        <h1 className={styles.name}>{project.name}</h1>
        {project.kind && <span className={styles.kind}>{project.kind}</span>}
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
        <Splitter
          name="files"
          direction="row"
          initial={17}
          most={45}
          first={<FileTree project={project.name} chosen={files.current} onOpen={files.open} />}
          second={right}
        />
      </main>
    </div>
  );
}
