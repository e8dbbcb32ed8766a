// A prompt becomes a project: the box that begins a run.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, type SyntheticEvent, useState } from "react";
import { useNavigate } from "react-router";
import { type Kind, KINDS, generate } from "../api";
import { keys, useProjects } from "../state/queries";
import { Button } from "../ui/Button";
import { ErrorNotice } from "../ui/Notice";
import { faultOf, suggestName } from "./projectName";
import styles from "./PromptBox.module.css";

const EXAMPLES = ["A Flask todo API with tests", "A CLI that counts the words of a file", "A static site for a bakery"];

export function PromptBox() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const projects = useProjects();
  const taken = new Set(projects.data?.projects.map((project) => project.name));
  const [prompt, setPrompt] = useState("");
  const [ownName, setOwnName] = useState<string | null>(null);
  const [kind, setKind] = useState<Kind | null>(null);
  const starting = useMutation({
    // The name is handed in: once the project exists, another one is suggested.
    mutationFn: (chosen: string) => generate(chosen, prompt.trim(), kind),
    onSuccess: async ({ run_id }, chosen) => {
      await client.invalidateQueries({ queryKey: keys.projects });
      await navigate(`/projects/${chosen}/runs/${run_id}`);
    },
  });
  const suggested = prompt.trim() ? suggestName(prompt, taken) : "";
  const name = starting.isPending ? starting.variables : (ownName ?? suggested);
  const fault = prompt.trim() && !starting.isPending ? faultOf(name, taken) : null;
  const canStart = prompt.trim() !== "" && fault === null;
  const start = () => canStart && !starting.isPending && starting.mutate(name);

  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    start();
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    start();
  }

  return (
    <form className={styles.form} onSubmit={onSubmit}>
      <div className={styles.box}>
        <textarea
          aria-label="What shall we build?"
          placeholder="Describe a project: what it does, and how you know that it works"
          rows={3}
          autoFocus
          value={prompt}
          onChange={(event) => setPrompt(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className={styles.settings}>
          <label>
            Name
            <input
              value={name}
              placeholder="project-name"
              spellCheck={false}
              aria-invalid={fault !== null}
              aria-describedby="name-fault"
              onChange={(event) => setOwnName(event.target.value || null)}
            />
          </label>
          <label>
            Kind
            <select value={kind ?? ""} onChange={(event) => setKind(KINDS.find((each) => each === event.target.value) ?? null)}>
              <option value="">as fits</option>
              {KINDS.map((option) => (
                <option key={option}>{option}</option>
              ))}
            </select>
          </label>
          <span className={styles.hint}>Enter builds · Shift+Enter for a new line</span>
          <Button type="submit" look="primary" icon={ArrowUp} isBusy={starting.isPending} disabled={!canStart}>
            Build
          </Button>
        </div>
      </div>
      <p id="name-fault" className={styles.fault} role="status">
        {fault}
      </p>
      {starting.error && <ErrorNotice error={starting.error} onRetry={start} />}
      {!prompt && <Examples onChoose={setPrompt} />}
    </form>
  );
}

function Examples({ onChoose }: { onChoose: (prompt: string) => void }) {
  return (
    <div className={styles.examples}>
      {EXAMPLES.map((example) => (
        <button type="button" key={example} onClick={() => onChoose(example)}>
          {example}
        </button>
      ))}
    </div>
  );
}
