// Keeps what is shown in step with the host, so that no screen polls.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type HostEvent, followHost } from "../api";
import { HEARD, keys, setActiveRun, setRuntimeState } from "./queries";
import { addTraffic } from "./runtimeQueries";

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
          if (wasAway) void client.invalidateQueries({ predicate: ({ queryKey }) => !HEARD.has(queryKey[0]) });
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

/** What changes with the use of a runtime. */
function rereadRuntime(client: QueryClient, project: string): void {
  void client.invalidateQueries({ queryKey: keys.activity(project) });
  void client.invalidateQueries({ queryKey: keys.ports(project) });
}

function apply(client: QueryClient, event: HostEvent): void {
  switch (event.type) {
    case "runtime":
      setRuntimeState(client, event.project, event.status, event.reason);
      rereadRuntime(client, event.project);
      return void client.invalidateQueries({ queryKey: keys.projects });
    case "process":
      rereadRuntime(client, event.project);
      return void client.invalidateQueries({ queryKey: keys.process(event.project) });
    case "port":
      rereadRuntime(client, event.project);
      return;
    case "egress":
    case "transfer":
      addTraffic(client, event);
      return;
    case "plugin":
      void client.invalidateQueries({ queryKey: keys.reports, exact: true });
      return void client.invalidateQueries({ queryKey: keys.plugins });
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
