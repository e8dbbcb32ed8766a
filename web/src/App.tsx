// Which screen stands at which address. Without a session there is only the sign-in page.
import { Suspense, lazy } from "react";
import { Navigate, Outlet, Route, Routes } from "react-router";
import { Dashboard } from "./dashboard/Dashboard";
import { OperationsPage } from "./operations/OperationsPage";
import { PluginsView } from "./operations/PluginsView";
import { PoliciesView } from "./operations/PoliciesView";
import { ReportsView } from "./operations/ReportsView";
import { RunPage } from "./run/RunPage";
import { SignInPage } from "./session/SignInPage";
import { LivenessContext } from "./state/liveness";
import { useSession } from "./state/queries";
import { useHostEvents } from "./state/useHostEvents";
import { ErrorNotice } from "./ui/Notice";
import { Loading } from "./ui/Spinner";

// The editor and the terminal weigh more than all the rest; the first screens do not wait for them.
const ProjectPage = lazy(() => import("./project/ProjectPage"));

export function App() {
  const session = useSession();
  if (session.isPending) return <Loading what="Opening Lockhouse…" />;
  // A session that was known stays until the host says otherwise: a restart of the host takes no edits away.
  if (session.data === undefined) {
    return (
      <main style={{ maxWidth: 520, margin: "15vh auto", padding: 24 }}>
        <ErrorNotice error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  if (!session.data) return <SignInPage />;
  return (
    <Routes>
      <Route element={<SignedIn />}>
        <Route index element={<Dashboard />} />
        <Route path="/projects/:project" element={<ProjectPage />} />
        <Route path="/projects/:project/runs/:run" element={<RunPage />} />
        <Route path="/operations" element={<OperationsPage />}>
          <Route index element={<Navigate to="reports" replace />} />
          <Route path="reports/:report?" element={<ReportsView />} />
          <Route path="plugins" element={<PluginsView />} />
          <Route path="policies" element={<PoliciesView />} />
        </Route>
        <Route path="*" element={<Navigate to="/" replace />} />
      </Route>
    </Routes>
  );
}

function SignedIn() {
  const liveness = useHostEvents();
  return (
    <LivenessContext value={liveness}>
      <Suspense fallback={<Loading what="Opening…" />}>
        <Outlet />
      </Suspense>
    </LivenessContext>
  );
}
