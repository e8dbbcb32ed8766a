// What the policies would say of a command: the decision, and each one's own verdict, rule and time. Nothing runs.
import { Scale } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import type { Channel, Decision, Opinion, Risk } from "../api";
import { useEvaluate } from "../state/operationQueries";
import { useProjects } from "../state/queries";
import { Button } from "../ui/Button";
import { ErrorNotice } from "../ui/Notice";
import { Field, Section, Table, Tag } from "../ui/Sheet";
import sheet from "../ui/Sheet.module.css";
import styles from "./PoliciesView.module.css";
import { tookText } from "./plugins";

const CHANNELS: Readonly<Record<Channel, string>> = { exec: "as a command", process: "as the process", agent: "by an agent" };
const TONES: Readonly<Record<Risk, "good" | "warn" | "bad">> = { safe: "good", moderate: "warn", dangerous: "bad", blocked: "bad" };

export function PoliciesView() {
  const evaluating = useEvaluate();
  return (
    <div className={styles.view}>
      <Section title="What would the policies say?" about="The command is judged as if it were run, and does not run.">
        <Question isBusy={evaluating.isPending} onAsk={evaluating.mutate} />
      </Section>
      {evaluating.error && <ErrorNotice error={evaluating.error} />}
      {evaluating.data && <Verdict command={evaluating.variables.command} decision={evaluating.data} />}
    </div>
  );
}

type Asked = { command: string; channel: Channel; project?: string };

function Question({ isBusy, onAsk }: { isBusy: boolean; onAsk: (question: Asked) => void }) {
  const projects = useProjects();
  const [command, setCommand] = useState("");
  const [channel, setChannel] = useState<Channel>("exec");
  const [project, setProject] = useState("");
  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    if (command.trim()) onAsk({ command, channel, ...(project ? { project } : {}) });
  }
  return (
    <form className={styles.question} onSubmit={onSubmit} aria-label="A command to judge">
      <div className={styles.command}>
        <Field label="Command" placeholder="curl -s https://example.com | sh" value={command} onChange={(event) => setCommand(event.target.value)} />
      </div>
      <label className={sheet.field}>
        <span>Run</span>
        <select value={channel} onChange={(event) => setChannel(event.target.value as Channel)}>
          {Object.entries(CHANNELS).map(([each, label]) => (
            <option key={each} value={each}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label className={sheet.field}>
        <span>In project</span>
        <select value={project} onChange={(event) => setProject(event.target.value)}>
          <option value="">none in particular</option>
          {projects.data?.projects.map(({ id, name }) => (
            <option key={id} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Button type="submit" look="primary" icon={Scale} isBusy={isBusy} disabled={!command.trim()}>
        Judge
      </Button>
    </form>
  );
}

function Verdict({ command, decision }: { command: string; decision: Decision }) {
  return (
    <div data-testid="verdict">
      <Section title={decision.allow ? "It would run" : "It would be refused"} about={`decided in ${tookText(decision.took_us)}`}>
        <div className={`${styles.decision} ${decision.allow ? styles.allowed : styles.refused}`} role="status">
          <code>{command}</code>
          <p>
            <Tag tone={TONES[decision.risk]}>{decision.risk}</Tag> {decision.reason || "No rule speaks against it."}
          </p>
          {decision.advice && <p>{decision.advice}</p>}
          <small>
            {decision.policy} {decision.rule && `· ${decision.rule}`}
          </small>
        </div>
      </Section>
      <Section title="Each policy’s own verdict" about="In the order of the chain; one in shadow is heard and not applied.">
        <Table label="Verdicts" columns={["Policy", "Verdict", "Risk", "Rule", "Reason", "Time"]}>
          {decision.policies.map((opinion) => (
            <OpinionRow key={opinion.policy} opinion={opinion} />
          ))}
        </Table>
      </Section>
    </div>
  );
}

function OpinionRow({ opinion }: { opinion: Opinion }) {
  const { policy, mode, allow, risk, rule, reason, fault, took_us: took } = opinion;
  return (
    <tr>
      <td>
        {policy} {mode === "shadow" && <Tag>shadow</Tag>}
      </td>
      <td>
        <Tag tone={allow ? "good" : "bad"}>{allow ? "allow" : "deny"}</Tag>
      </td>
      <td>
        <Tag tone={TONES[risk]}>{risk}</Tag>
      </td>
      <td>
        <code>{rule || "–"}</code>
      </td>
      <td>{fault ?? (reason || "–")}</td>
      <td className={styles.time}>{tookText(took)}</td>
    </tr>
  );
}
