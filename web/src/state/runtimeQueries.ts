// What the panels show of a runtime: its use, its network, its ports and the links to them.
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import * as api from "../api";
import { keys, useSession } from "./queries";
import { NO_TRAFFIC, type Traffic, noted } from "./traffic";

export const useIsAdmin = (): boolean => useSession().data?.user.role === "admin";

export const useActivity = (project: string, isWanted: boolean) =>
  useQuery({ queryKey: keys.activity(project), queryFn: () => api.showActivity(project), enabled: isWanted });

export const useNetwork = (project: string, isWanted: boolean) =>
  useQuery({ queryKey: keys.network(project), queryFn: () => api.showNetwork(project), enabled: isWanted });

export const usePorts = (project: string, isWanted: boolean) =>
  useQuery({ queryKey: keys.ports(project), queryFn: () => api.listPorts(project), enabled: isWanted });

export const useLinks = (project: string, isWanted: boolean) =>
  useQuery({ queryKey: keys.links(project), queryFn: () => api.listLinks(project), enabled: isWanted });

/** What this page heard of the runtime's connections since it was opened. */
export const useTraffic = (project: string): Traffic =>
  useQuery<Traffic>({ queryKey: keys.traffic(project), queryFn: () => NO_TRAFFIC, staleTime: Infinity, gcTime: Infinity }).data ??
  NO_TRAFFIC;

export function addTraffic(client: QueryClient, event: api.TrafficEvent): void {
  client.setQueryData<Traffic>(keys.traffic(event.project), (traffic = NO_TRAFFIC) => noted(traffic, event));
}

/** Changes what a runtime may use; what is shown is what the host says that it may use then. */
export function useChangeRuntime(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (config: api.RuntimeConfig) => api.changeRuntime(project, config),
    onSuccess: (runtime) => {
      client.setQueryData<api.Project>(keys.project(project), (known) => known && { ...known, runtime });
      void client.invalidateQueries({ queryKey: keys.activity(project) });
    },
  });
}

export function useChangeNetwork(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (lists: api.NetworkLists) => api.changeNetwork(project, lists),
    onSuccess: (network) => client.setQueryData(keys.network(project), network),
  });
}

export function useCreateLink(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (link: { port?: number; expires_in: number }) => api.createLink(project, link),
    onSettled: () => client.invalidateQueries({ queryKey: keys.links(project) }),
  });
}

export function useRevokeLink(project: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (link: string) => api.revokeLink(project, link),
    onSettled: () => client.invalidateQueries({ queryKey: keys.links(project) }),
  });
}
