// One open text file: the editor, what is to be said about saving, and the choice after a lost race.
import { Save } from "lucide-react";
import { useEffect, useRef } from "react";
import { Button } from "../../ui/Button";
import { ErrorNotice, Notice } from "../../ui/Notice";
import styles from "./Editor.module.css";
import { useEditor } from "./useEditor";
import { type TextContent, useSaving } from "./useSaving";

interface TextEditorProps {
  project: string;
  file: string;
  content: TextContent;
  isShown: boolean;
  isChanged: boolean;
  onMark: (isChanged: boolean) => void;
}

export function TextEditor({ project, file, content, isShown, isChanged, onMark }: TextEditorProps) {
  const element = useRef<HTMLDivElement>(null);
  const handlers = useRef<{ onEdit: () => void; onSave: () => void } | null>(null);
  const view = useEditor(element, file, content.text, {
    onEdit: () => handlers.current?.onEdit(),
    onSave: () => handlers.current?.onSave(),
  });
  const saving = useSaving({ project, file, content, view, onMark });
  useEffect(() => {
    handlers.current = { onEdit: saving.mark, onSave: saving.save };
  });
  useEffect(() => {
    // An editor that was hidden has not measured itself.
    if (isShown) view.current?.requestMeasure();
  }, [isShown, view]);

  return (
    <div className={styles.text}>
      {saving.isConflict && (
        <Notice
          tone="warn"
          title={`${file} was changed by someone else`}
          actions={
            <>
              <Button onClick={saving.takeTheirs}>Take theirs, drop my edits</Button>
              <Button onClick={saving.keepMine} isBusy={saving.isSaving}>
                Overwrite with mine
              </Button>
              <Button look="quiet" onClick={saving.later}>
                Decide later
              </Button>
            </>
          }
        >
          Your edits are still here and nothing was overwritten. Choose which version stays.
        </Notice>
      )}
      {saving.error && <ErrorNotice error={saving.error} onRetry={saving.save} />}
      <div ref={element} className={styles.code} />
      <footer className={styles.foot}>
        <span>{file}</span>
        <span role="status">{stateOf(saving.isSaving, isChanged)}</span>
        <Button look="quiet" icon={Save} disabled={!isChanged} isBusy={saving.isSaving} onClick={saving.save}>
          Save
        </Button>
      </footer>
    </div>
  );
}

function stateOf(isSaving: boolean, isChanged: boolean): string {
  if (isSaving) return "Saving…";
  return isChanged ? "Unsaved edits · Ctrl+S saves" : "Saved";
}
