// The hosts that this project may reach besides, or may not reach at all. Administrators write them.
import { Save } from "lucide-react";
import type { SyntheticEvent } from "react";
import type { NetworkLists } from "../../api";
import { useChangeNetwork } from "../../state/runtimeQueries";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/Notice";
import { Section } from "../../ui/Sheet";
import sheet from "../../ui/Sheet.module.css";
import styles from "./NetworkPanel.module.css";
import { hostsIn, isSame } from "./lists";

type Text = { allow: string; deny: string };

interface ListsFormProps {
  project: string;
  own: NetworkLists;
  text: Text;
  /** Null goes back to what the host has. */
  onEdit: (text: Text | null) => void;
  isAdmin: boolean;
}

export function ListsForm({ project, own, text, onEdit, isAdmin }: ListsFormProps) {
  const changing = useChangeNetwork(project);
  const wanted = { allow: hostsIn(text.allow), deny: hostsIn(text.deny) };
  const isChanged = !isSame(wanted, own);
  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    changing.mutate(wanted, { onSuccess: () => onEdit(null) });
  }
  const edit = (change: Partial<Text>) => {
    if (!changing.isPending) changing.reset();
    onEdit({ ...text, ...change });
  };
  const about = isAdmin
    ? "One host a line: name, *.suffix, either with :port. They count from the next connection on."
    : "Only administrators can change them.";
  return (
    <Section title="This project’s own hosts" about={about}>
      <form className={styles.lists} onSubmit={onSubmit} aria-label="Hosts of this project">
        {(["allow", "deny"] as const).map((list) => (
          <label key={list} className={sheet.field}>
            <span>{list === "allow" ? "May be reached besides" : "May never be reached"}</span>
            <textarea
              rows={3}
              spellCheck={false}
              readOnly={!isAdmin}
              value={text[list]}
              onChange={(event) => edit({ [list]: event.target.value })}
            />
          </label>
        ))}
        {isAdmin && (
          <div className={styles.submit}>
            <Button type="submit" look="primary" icon={Save} isBusy={changing.isPending} disabled={!isChanged}>
              Save hosts
            </Button>
            {isChanged && (
              <Button look="quiet" onClick={() => onEdit(null)}>
                Undo
              </Button>
            )}
            {changing.isSuccess && !isChanged && <span role="status">Saved.</span>}
          </div>
        )}
        {changing.error && <ErrorNotice error={changing.error} />}
      </form>
    </Section>
  );
}
