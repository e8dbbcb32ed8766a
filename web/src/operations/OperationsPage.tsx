// What administrators look after: reports, plugins, and what policies say.
import { NavLink, Outlet } from "react-router";
import { useIsAdmin } from "../state/runtimeQueries";
import { AppBar } from "../ui/AppBar";
import { Notice } from "../ui/Notice";
import styles from "./OperationsPage.module.css";

const PLACES = [
  { to: "reports", label: "Reports" },
  { to: "plugins", label: "Plugins" },
  { to: "policies", label: "Policies" },
] as const;

export function OperationsPage() {
  const isAdmin = useIsAdmin();
  return (
    <div className={styles.page}>
      <title>Operations · Lockhouse</title>
      <AppBar>
        <h1 className={styles.title}>Operations</h1>
        {isAdmin && (
          <nav className={styles.places} aria-label="Operations">
            {PLACES.map(({ to, label }) => (
              <NavLink key={to} to={to}>
                {label}
              </NavLink>
            ))}
          </nav>
        )}
      </AppBar>
      <main className={styles.main}>
        {isAdmin ? (
          <Outlet />
        ) : (
          <div className={styles.refused}>
            <Notice tone="warn" title="This is for administrators">
              Sign in with an administrator’s token to see reports and plugins.
            </Notice>
          </div>
        )}
      </main>
    </div>
  );
}
