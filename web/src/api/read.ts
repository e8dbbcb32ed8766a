// Reads the JSON of an event's `data:` line.
import { isRecord } from "./problem";

/** The event, or null when it is no object with a type: a later host may say things this page does not know. */
export function read(data: string): { type: string } | null {
  try {
    const event: unknown = JSON.parse(data);
    return isRecord(event) && typeof event["type"] === "string" ? { ...event, type: event["type"] } : null;
  } catch {
    return null;
  }
}
