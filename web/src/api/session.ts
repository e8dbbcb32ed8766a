// Who is signed in.
import { call, path } from "./http";
import { ApiError } from "./problem";
import type { Session } from "./types";

/** The session, or null for a visitor. */
export async function showSession(): Promise<Session | null> {
  try {
    return await call<Session>(path("session"));
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export const signIn = (token: string): Promise<null> =>
  call(path("session"), { method: "POST", json: { token: token.trim() } });

export const signOut = (): Promise<null> => call(path("session"), { method: "DELETE" });

/** Where a pasted sign-in URL leads on this host; null when what was pasted is no such URL. */
export function ticketPath(pasted: string): string | null {
  if (!URL.canParse(pasted.trim())) return null;
  const ticket = new URL(pasted.trim()).searchParams.get("ticket");
  return ticket ? `/sign-in?ticket=${encodeURIComponent(ticket)}` : null;
}
