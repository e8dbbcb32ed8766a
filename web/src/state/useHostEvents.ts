// Keeps what is shown in step with the host, so that no screen polls.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type HostEvent, followHost } from "../api";
import { keys, setActiveRun, setRuntimeState } from "./queries";

export type Liveness = "connecting" | "live" | "reconnecting";

/** Follows the host's events while the user is signed in. */
export function useHostEvents(): Liveness {
  const client = useQueryClient();
  const [liveness, setLiveness] = useState<Liveness>("connecting");
  useEffect(() => {
    let wasAway = false;
    return followHost(
      (event) => apply(client, event),
      (state) => {
        if (state === "open") {
          setLiveness("live");
          // The host may have forgotten what happened while the connection was away.
          if (wasAway) void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.activeRuns[0] });
          wasAway = false;
        } else if (state === "waiting") {
          wasAway = true;
          setLiveness("reconnecting");
        }
      },
    );
  }, [client]);
  return liveness;
}

/** Many files change at once (an install, an agent's batch); they are read again once, after this long. */
const FILES_SETTLE_MS = 150;
const rereading = new Set<string>();

function rereadFilesSoon(client: QueryClient, project: string): void {
  if (rereading.has(project)) return;
  rereading.add(project);
  setTimeout(() => {
    rereading.delete(project);
    void client.invalidateQueries({ queryKey: keys.files(project) });
  }, FILES_SETTLE_MS);
}

function apply(client: QueryClient, event: HostEvent): void {
  switch (event.type) {
    case "runtime":
      setRuntimeState(client, event.project, event.status, event.reason);
      return void client.invalidateQueries({ queryKey: keys.projects });
    case "process":
      return void client.invalidateQueries({ queryKey: keys.process(event.project) });
    case "file":
      rereadFilesSoon(client, event.project);
      return;
    case "run":
      setActiveRun(client, event.project, event.run_id, event.state);
      return void client.invalidateQueries({ queryKey: keys.projects });
    case "project":
      return void client.invalidateQueries({ queryKey: keys.projects });
    default:
      return;
  }
}
