// What administrators are shown: reports, plugins, verdicts.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import * as api from "../api";
import { keys } from "./queries";

export const useReports = () => useQuery({ queryKey: keys.reports, queryFn: api.listReports });

/** A report is written when it is asked for, and again only on demand. */
export const useReport = (name: string, given: Readonly<Record<string, string>>) =>
  useQuery({
    queryKey: keys.report(name, given),
    queryFn: ({ signal }) => api.readReport(name, given, signal),
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });

export const usePlugins = () => useQuery({ queryKey: keys.plugins, queryFn: api.listPlugins });

export function useChangePlugin(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: api.PluginAction) => api.changePlugin(name, action),
    onSettled: () => client.invalidateQueries({ queryKey: keys.plugins }),
  });
}

export const useEvaluate = () => useMutation({ mutationFn: api.evaluate });
