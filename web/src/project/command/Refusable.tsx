// An error that may be a policy's refusal, which is shown with its reason: the user can act on that.
import { ShieldX } from "lucide-react";
import { type Refusal, refusalOf } from "../../api";
import { ErrorNotice } from "../../ui/Notice";
import styles from "./Refusable.module.css";

export function Refusable({ error, command }: { error: Error; command?: string }) {
  const refusal = refusalOf(error);
  return refusal ? <RefusalCard refusal={refusal} command={command} /> : <ErrorNotice error={error} />;
}

function RefusalCard({ refusal, command }: { refusal: Refusal; command: string | undefined }) {
  return (
    <div className={styles.card} role="alert" data-testid="refusal">
      <ShieldX size={22} aria-hidden="true" />
      <div>
        <strong>Refused by policy: the command never started</strong>
        {command && <code>{command}</code>}
        <p>{refusal.reason}</p>
        <dl>
          <Fact name="Risk" value={refusal.risk} />
          <Fact name="Rule" value={refusal.rule} />
          <Fact name="Policy" value={refusal.policy} />
        </dl>
      </div>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  if (!value) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
