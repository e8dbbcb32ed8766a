// The client of Lockhouse's API: all that the screens know of the host.
export { type Refusal, ApiError, refusalOf } from "./problem";
export { showSession, signIn, signOut, ticketPath } from "./session";
export * from "./projects";
export * from "./files";
export * from "./runtimes";
export * from "./limits";
export * from "./networks";
export * from "./ports";
export * from "./reports";
export * from "./plugins";
export * from "./types";
export { textOf, withoutEscapes } from "./output";
export { type Connection, type Ending, type TerminalEvents, TerminalSocket } from "./terminal/socket";
export type { Size, TerminalState } from "./terminal/protocol";
