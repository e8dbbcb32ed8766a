// The project's own lists of hosts: as rules, as text that people write, and what an allowance adds.
import type { NetworkLists, NetworkMode, NetworkRule } from "../../api";

export const MODES: Readonly<Record<NetworkMode, string>> = {
  none: "Nothing can be reached but what the lists below allow.",
  registries: "Only package registries, and what the lists allow, can be reached.",
  open: "The public internet can be reached but what the lists deny.",
};

/** The project's own lists among all rules. */
export function ownLists(rules: readonly NetworkRule[]): NetworkLists {
  const of = (effect: NetworkRule["effect"]) =>
    rules.filter((rule) => rule.source === "project" && rule.effect === effect).map(({ host }) => host);
  return { allow: of("allow"), deny: of("deny") };
}

/** One host a line; commas and blanks part them as well, and what is there twice counts once. */
export const hostsIn = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))];

export const textOfHosts = (hosts: readonly string[]): string => hosts.join("\n");

export const isSame = (one: NetworkLists, other: NetworkLists): boolean =>
  textOfHosts(one.allow) === textOfHosts(other.allow) && textOfHosts(one.deny) === textOfHosts(other.deny);

/** What an allowance of a refused host is: with its port, unless that is a usual one. */
export function allowanceOf(host: string, port: number, usual: readonly number[]): string {
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return usual.includes(port) ? name : `${name}:${port}`;
}

/** The lists' texts with a host allowed. */
export function allowing(text: { allow: string; deny: string }, host: string): { allow: string; deny: string } {
  return {
    allow: textOfHosts([...new Set([...hostsIn(text.allow), host])]),
    deny: textOfHosts(hostsIn(text.deny).filter((denied) => denied !== host)),
  };
}
