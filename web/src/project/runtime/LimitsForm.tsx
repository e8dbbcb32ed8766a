// Changes what a runtime may use while it exists, running or not; the host says what it may not.
import { type SyntheticEvent, useState } from "react";
import { SlidersHorizontal } from "lucide-react";
import type { Activity, Limits } from "../../api";
import { useChangeRuntime } from "../../state/runtimeQueries";
import { Button } from "../../ui/Button";
import { ErrorNotice } from "../../ui/Notice";
import { Field, Section } from "../../ui/Sheet";
import styles from "./RuntimePanel.module.css";
import { FIELDS, type Form, LABELS, changesOf, faultOf, formOf } from "./limitsForm";

interface LimitsFormProps {
  project: string;
  limits: Limits;
  commandTimeout: number;
  activity: Activity;
}

export function LimitsForm({ project, limits, commandTimeout, activity }: LimitsFormProps) {
  const before = formOf(limits, commandTimeout, activity);
  // What the user wrote, on top of what is: a field that was not touched follows the host.
  const [edits, setEdits] = useState<Partial<Form>>({});
  const changing = useChangeRuntime(project);
  const form = { ...before, ...edits };
  const changes = changesOf(form, before);
  const isSame = changes !== null && Object.keys(changes).length === 0;

  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    if (changes && !isSame) changing.mutate(changes, { onSuccess: () => setEdits({}) });
  }
  return (
    <Section title="Limits" about="They count from now on, without a restart where the engine can.">
      <form className={styles.form} onSubmit={onSubmit} aria-label="Limits of the runtime">
        {FIELDS.map((field) => (
          <Field
            key={field}
            label={LABELS[field]}
            value={form[field]}
            fault={faultOf(form, field)}
            onChange={(event) => {
              if (!changing.isPending) changing.reset();
              setEdits({ ...edits, [field]: event.target.value });
            }}
          />
        ))}
        <div className={styles.submit}>
          <Button type="submit" look="primary" icon={SlidersHorizontal} isBusy={changing.isPending} disabled={!changes || isSame}>
            Change limits
          </Button>
          {!isSame && (
            <Button
              look="quiet"
              onClick={() => {
                setEdits({});
                changing.reset();
              }}
            >
              Undo
            </Button>
          )}
          {changing.isSuccess && isSame && <span role="status">Changed.</span>}
        </div>
        {changing.error && <ErrorNotice error={changing.error} />}
      </form>
    </Section>
  );
}
