// What a visitor without a session sees: how to sign in.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type SyntheticEvent, useState } from "react";
import { ApiError, signIn, ticketPath } from "../api";
import { keys } from "../state/queries";
import { Button } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { ErrorNotice, Notice } from "../ui/Notice";
import styles from "./SignInPage.module.css";

export function SignInPage() {
  const client = useQueryClient();
  const [token, setToken] = useState("");
  const entering = useMutation({
    mutationFn: signIn,
    onSuccess: () => client.invalidateQueries({ queryKey: keys.session }),
  });
  function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    const ticket = ticketPath(token);
    if (ticket) window.location.assign(ticket);
    else entering.mutate(token);
  }
  return (
    <main className={styles.page}>
      <section className={styles.card}>
        <Logo size={48} />
        <h1>Sign in to Lockhouse</h1>
        <p>
          Open the URL that the server printed when it started; it signs this browser in. Or paste that URL, or an access
          token, here.
        </p>
        <form onSubmit={onSubmit}>
          <label htmlFor="token">Token or sign-in URL</label>
          <input
            id="token"
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            autoFocus
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
          <Button type="submit" look="primary" icon={KeyRound} isBusy={entering.isPending} disabled={!token.trim()}>
            Sign in
          </Button>
        </form>
        {entering.error && <Refused error={entering.error} />}
        <p className={styles.hint}>
          The first token stands in the file <code>admin.token</code> of the server&rsquo;s data directory.
        </p>
      </section>
    </main>
  );
}

function Refused({ error }: { error: Error }) {
  const isUnknown = error instanceof ApiError && error.status === 401;
  if (!isUnknown) return <ErrorNotice error={error} />;
  return (
    <Notice tone="bad" title="This token does not sign you in">
      It may have been revoked, or lost a character when it was copied. Copy it again from the server.
    </Notice>
  );
}
