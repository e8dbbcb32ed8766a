// Start, stop, restart and delete, each offered when the runtime's state allows it.
import { Play, RotateCw, CircleStop, Trash2 } from "lucide-react";
import { useState } from "react";
import type { Project } from "../api";
import { useRuntimeAction } from "../state/queries";
import { type RuntimeAction, offers } from "../state/runtimeActions";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { ErrorNotice } from "../ui/Notice";
import { DeleteDialog } from "./DeleteDialog";
import styles from "./RuntimeButtons.module.css";

const ACTIONS = [
  { action: "start", icon: Play, label: "Start" },
  { action: "stop", icon: CircleStop, label: "Stop" },
  { action: "restart", icon: RotateCw, label: "Restart" },
] as const;

interface RuntimeButtonsProps {
  project: Project;
  /** With words beside the icons. */
  isWide?: boolean;
  onDeleted?: () => void;
}

export function RuntimeButtons({ project, isWide = false, onDeleted }: RuntimeButtonsProps) {
  const [isAsking, setAsking] = useState(false);
  const acting = useRuntimeAction(project);
  const state = project.runtime?.status ?? "absent";
  return (
    <div className={styles.buttons}>
      {ACTIONS.filter(({ action }) => offers(state, action)).map(({ action, icon, label }) => (
        <Button
          key={action}
          look={isWide ? "plain" : "quiet"}
          icon={icon}
          title={`${label} ${project.name}`}
          aria-label={`${label} ${project.name}`}
          isBusy={isUnderWay(acting, action)}
          onClick={() => acting.mutate(action)}
        >
          {isWide ? label : undefined}
        </Button>
      ))}
      <Button
        look="quiet"
        icon={Trash2}
        title={`Delete ${project.name}`}
        aria-label={`Delete ${project.name}`}
        disabled={!offers(state, "delete")}
        onClick={() => setAsking(true)}
      />
      {isAsking && <DeleteDialog project={project} onClose={() => setAsking(false)} onDeleted={onDeleted} />}
      {acting.error && (
        <Dialog title={`${project.name} did not change`} onClose={acting.reset} actions={<Button onClick={acting.reset}>Close</Button>}>
          <ErrorNotice error={acting.error} />
        </Dialog>
      )}
    </div>
  );
}

const isUnderWay = (acting: { isPending: boolean; variables: RuntimeAction | undefined }, action: RuntimeAction): boolean =>
  acting.isPending && acting.variables === action;
