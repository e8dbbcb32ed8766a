// What the screens show of the host, cached once for all of them.
import { QueryCache, QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import * as api from "../api";
import { ApiError } from "../api";
import { type RuntimeAction, UNDER_WAY } from "./runtimeActions";

export const keys = {
  session: ["session"] as const,
  projects: ["projects"] as const,
  project: (name: string) => ["projects", name] as const,
  files: (name: string) => ["files", name] as const,
  directory: (name: string, directory: string) => ["files", name, directory] as const,
  /** Under the project's files, so that whatever makes those stale makes this stale. */
  content: (name: string, file: string) => ["files", name, { content: file }] as const,
  activeRuns: ["active-runs"] as const,
  process: (name: string) => ["process", name] as const,
  activity: (name: string) => ["activity", name] as const,
  network: (name: string) => ["network", name] as const,
  traffic: (name: string) => ["traffic", name] as const,
  ports: (name: string) => ["ports", name] as const,
  links: (name: string) => ["links", name] as const,
  reports: ["reports"] as const,
  report: (name: string, given: Readonly<Record<string, string>>) => ["reports", name, given] as const,
  plugins: ["plugins"] as const,
};

/** What this page heard, and can't ask for again. */
export const HEARD: ReadonlySet<unknown> = new Set([keys.activeRuns[0], keys.traffic("")[0]]);

/** A refusal stays one; only what may pass is asked again. */
const shouldRetry = (failures: number, error: Error): boolean =>
  failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500);

export function newQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    defaultOptions: {
      // A machine without a network still reaches its own host, whatever the browser thinks of being online.
      queries: { retry: shouldRetry, staleTime: 5_000, networkMode: "always" },
      mutations: { networkMode: "always" },
    },
    queryCache: new QueryCache({
      onError: (error, query) => {
        // Whatever asked first, an ended session shows the sign-in page.
        const isSignedOut = error instanceof ApiError && error.status === 401;
        if (isSignedOut && query.queryKey[0] !== "session") client.setQueryData(keys.session, null);
      },
    }),
  });
  return client;
}

export const useSession = () =>
  useQuery({ queryKey: keys.session, queryFn: api.showSession, staleTime: Infinity });

export const useProjects = () =>
  useQuery({ queryKey: keys.projects, queryFn: ({ signal }) => api.listProjects(signal) });

export const useProject = (name: string) =>
  useQuery({ queryKey: keys.project(name), queryFn: () => api.showProject(name) });

export const useDirectory = (project: string, directory: string) =>
  useQuery({ queryKey: keys.directory(project, directory), queryFn: () => api.listFiles(project, directory) });

export const useContent = (project: string, file: string) =>
  useQuery({ queryKey: keys.content(project, file), queryFn: () => api.readFile(project, file) });

export const useProcess = (project: string, isRunning: boolean) =>
  useQuery({ queryKey: keys.process(project), queryFn: () => api.showProcess(project), enabled: isRunning });

/** Puts a runtime's state wherever it is shown. */
export function setRuntimeState(client: QueryClient, name: string, status: api.RuntimeState, reason: string | null = null): void {
  const change = (project: api.Project): api.Project =>
    project.name === name || project.id === name ? { ...project, runtime: { ...project.runtime, status, reason } } : project;
  client.setQueryData<api.Project>(keys.project(name), (project) => project && change(project));
  client.setQueryData<{ projects: api.Project[]; next_cursor: string | null }>(
    keys.projects,
    (page) => page && { ...page, projects: page.projects.map(change) },
  );
}

/** Runs that are under way, by project, as far as this page heard of them. */
export type ActiveRuns = Readonly<Record<string, { run: string; state: api.RunState } | undefined>>;

export const useActiveRuns = (): ActiveRuns =>
  useQuery<ActiveRuns>({ queryKey: keys.activeRuns, queryFn: () => ({}), staleTime: Infinity, gcTime: Infinity }).data ?? {};

export function setActiveRun(client: QueryClient, project: string, run: string, state: api.RunState | "cancelled"): void {
  const isOver = state === "done" || state === "failed" || state === "cancelled";
  client.setQueryData<ActiveRuns>(keys.activeRuns, (runs) => ({ ...runs, [project]: isOver ? undefined : { run, state } }));
}

function act(action: RuntimeAction, project: api.Project): Promise<unknown> {
  const isAbsent = !project.runtime || project.runtime.status === "absent";
  if (action === "start") return isAbsent ? api.createRuntime(project.name, project.kind) : api.startRuntime(project.name);
  if (action === "stop") return api.stopRuntime(project.name);
  if (action === "restart") return api.restartRuntime(project.name);
  return api.deleteRuntime(project.name);
}

/** Starts, stops, restarts or deletes the runtime of a project; what is shown follows the host's answer. */
export function useRuntimeAction(project: api.Project) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: RuntimeAction) => act(action, project),
    onMutate: (action) => setRuntimeState(client, project.name, UNDER_WAY[action]),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.projects }),
        client.invalidateQueries({ queryKey: keys.process(project.name) }),
      ]),
  });
}

export function useDeleteProject(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.deleteProject(name),
    onMutate: () => setRuntimeState(client, name, "deleting"),
    onSettled: () => client.invalidateQueries({ queryKey: keys.projects, exact: true }),
  });
}
