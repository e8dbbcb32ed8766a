// The bar above every screen: where the user is, whether the page is live, and who is signed in.
import { useQueryClient } from "@tanstack/react-query";
import { ChartNoAxesColumn, LogOut } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { signOut } from "../api";
import { keys, useSession } from "../state/queries";
import { useLiveness } from "../state/liveness";
import styles from "./AppBar.module.css";
import { Button } from "./Button";
import button from "./Button.module.css";
import { Logo } from "./Logo";
import { StatusBadge } from "./StatusBadge";

export function AppBar({ children, actions }: { children?: ReactNode; actions?: ReactNode }) {
  const liveness = useLiveness();
  return (
    <header className={styles.bar}>
      <Link to="/" className={styles.home} aria-label="Lockhouse: all projects">
        <Logo size={26} />
        {!children && <span>Lockhouse</span>}
      </Link>
      <div className={styles.place}>{children}</div>
      {liveness === "reconnecting" && <StatusBadge status="reconnecting" label="Reconnecting…" />}
      {actions}
      <SignedIn />
    </header>
  );
}

function SignedIn() {
  const client = useQueryClient();
  const { data: session } = useSession();
  const leave = () => signOut().finally(() => client.setQueryData(keys.session, null));
  return (
    <div className={styles.user}>
      {session?.user.role === "admin" && (
        <Link
          to="/operations"
          className={`${button.button} ${button.quiet} ${button.iconOnly}`}
          aria-label="Operations"
          title="Operations: reports, plugins, policies"
        >
          <ChartNoAxesColumn size={16} aria-hidden="true" />
        </Link>
      )}
      <span className={styles.name} title={`Role: ${session?.user.role ?? ""}`}>{session?.user.id}</span>
      <Button look="quiet" icon={LogOut} aria-label="Sign out" title="Sign out" onClick={() => void leave()} />
    </div>
  );
}
