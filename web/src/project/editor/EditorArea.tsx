// The open files, each behind its tab.
import { FileCode2, X } from "lucide-react";
import { useEffect } from "react";
import { Empty } from "../../ui/Notice";
import styles from "./Editor.module.css";
import { FileView } from "./FileView";
import type { OpenFilesHandle } from "./openFiles";

export function EditorArea({ project, files }: { project: string; files: OpenFilesHandle }) {
  const hasUnsaved = files.changed.size > 0;
  useEffect(() => {
    if (!hasUnsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [hasUnsaved]);

  if (files.files.length === 0) {
    return (
      <section className={styles.area} aria-label="Editor">
        <Empty icon={FileCode2} title="No file is open">
          Choose one among the files.
        </Empty>
      </section>
    );
  }
  return (
    <section className={styles.area} aria-label="Editor">
      <div className={styles.tabs} role="tablist" aria-label="Open files">
        {files.files.map((file) => (
          <FileTab key={file} file={file} files={files} />
        ))}
      </div>
      {files.files.map((file) => (
        <div key={file} role="tabpanel" aria-label={file} hidden={file !== files.current} className={styles.content}>
          <FileView
            project={project}
            file={file}
            isShown={file === files.current}
            isChanged={files.changed.has(file)}
            onMark={files.mark}
          />
        </div>
      ))}
    </section>
  );
}

function FileTab({ file, files }: { file: string; files: OpenFilesHandle }) {
  const isChanged = files.changed.has(file);
  const isCurrent = file === files.current;
  function close() {
    if (!isChanged || window.confirm(`${file} has edits that are not saved. Close it and drop them?`)) files.close(file);
  }
  return (
    <div className={`${styles.tab} ${isCurrent ? styles.current : ""}`}>
      <button type="button" role="tab" aria-selected={isCurrent} title={file} onClick={() => files.open(file)}>
        {file.slice(file.lastIndexOf("/") + 1)}
        {isChanged && <span className={styles.changed} aria-label="unsaved edits" />}
      </button>
      <button type="button" className={styles.close} aria-label={`Close ${file}`} onClick={close}>
        <X size={14} aria-hidden="true" />
      </button>
    </div>
  );
}
