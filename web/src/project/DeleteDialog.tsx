// Asks before anything is deleted: the project with its files, or only its runtime.
import { Trash2 } from "lucide-react";
import { useState } from "react";
import type { Project } from "../api";
import { useDeleteProject, useRuntimeAction } from "../state/queries";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { ErrorNotice } from "../ui/Notice";
import styles from "./DeleteDialog.module.css";

interface DeleteDialogProps {
  project: Project;
  onClose: () => void;
  onDeleted?: (() => void) | undefined;
}

type What = "project" | "runtime";

export function DeleteDialog({ project, onClose, onDeleted }: DeleteDialogProps) {
  const [what, setWhat] = useState<What>("project");
  const runtime = useRuntimeAction(project);
  const whole = useDeleteProject(project.name);
  const deleting = what === "project" ? whole : runtime;
  const hasRuntime = project.runtime !== null && project.runtime.status !== "absent";

  function onConfirm() {
    if (what === "runtime") {
      runtime.mutate("delete", { onSuccess: onClose });
      return;
    }
    whole.mutate(undefined, {
      onSuccess: () => {
        onClose();
        onDeleted?.();
      },
    });
  }
  const actions = (
    <>
      <Button onClick={onClose}>Keep</Button>
      <Button look="danger" icon={Trash2} isBusy={deleting.isPending} onClick={onConfirm}>
        {what === "project" ? "Delete project" : "Delete runtime"}
      </Button>
    </>
  );
  return (
    <Dialog title={`Delete ${project.name}?`} onClose={onClose} actions={actions}>
      <div className={styles.choices}>
        <Choice what="project" chosen={what} onChoose={setWhat} title="The whole project">
          Its runtime, all its files and its jobs. This can’t be undone.
        </Choice>
        {hasRuntime && (
          <Choice what="runtime" chosen={what} onChoose={setWhat} title="Only the runtime">
            What runs is ended; the files stay, and Start makes a new runtime.
          </Choice>
        )}
      </div>
      {deleting.error && <ErrorNotice error={deleting.error} />}
    </Dialog>
  );
}

interface ChoiceProps {
  what: What;
  chosen: What;
  onChoose: (what: What) => void;
  title: string;
  children: string;
}

function Choice({ what, chosen, onChoose, title, children }: ChoiceProps) {
  return (
    <label className={styles.choice}>
      <input type="radio" name="what" checked={chosen === what} onChange={() => onChoose(what)} />
      <span>
        <strong>{title}</strong>
        {children}
      </span>
    </label>
  );
}
