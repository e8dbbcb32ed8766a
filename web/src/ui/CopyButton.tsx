// Copies a text, and says whether it could: a page that came without TLS from elsewhere may not.
import { Check, Copy, X } from "lucide-react";
import { useState } from "react";
import { Button } from "./Button";

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<"copied" | "refused" | null>(null);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("refused");
    }
  }
  return (
    <>
      <Button icon={outcome === "copied" ? Check : outcome === "refused" ? X : Copy} aria-label={label} onClick={() => void copy()}>
        {outcome === "copied" ? "Copied" : "Copy"}
      </Button>
      {outcome === "refused" && <small role="status">The browser did not let it: select the text and copy it.</small>}
    </>
  );
}
