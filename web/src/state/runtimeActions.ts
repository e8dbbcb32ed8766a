// What the user may do next with a runtime: each state offers its own actions (the contract's list of states).
import type { RuntimeState } from "../api";

export type RuntimeAction = "start" | "stop" | "restart" | "delete";

/** Delete is legal from every state but the one that is already deleting. */
const OFFERED: Readonly<Record<RuntimeState, readonly RuntimeAction[]>> = {
  absent: ["start", "delete"],
  creating: ["delete"],
  running: ["stop", "restart", "delete"],
  stopping: ["delete"],
  stopped: ["start", "delete"],
  restarting: ["delete"],
  failed: ["start", "delete"],
  deleting: [],
};

export const offers = (state: RuntimeState, action: RuntimeAction): boolean => OFFERED[state].includes(action);

/** While an action is under way the runtime is shown in this state, until the host says what is. */
export const UNDER_WAY: Readonly<Record<RuntimeAction, RuntimeState>> = {
  start: "creating",
  stop: "stopping",
  restart: "restarting",
  delete: "deleting",
};
