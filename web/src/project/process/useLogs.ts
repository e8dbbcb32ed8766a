// The log of the project's process, as it grows.
import { useEffect, useReducer, useState } from "react";
import { followLogs, textOf, withoutEscapes } from "../../api";

/** The screen holds the last so many characters; the host keeps more. */
const MAX_LOG_CHARS = 200_000;

/** Null begins anew: who follows again gets the log again. */
function append(log: string, more: string | null): string {
  if (more === null) return "";
  const whole = log + more;
  if (whole.length <= MAX_LOG_CHARS) return whole;
  const cut = whole.slice(-MAX_LOG_CHARS);
  return cut.slice(cut.indexOf("\n") + 1);
}

/** Follows the log from its beginning. */
export function useLogs(project: string) {
  const [log, add] = useReducer(append, "");
  const [refused, setRefused] = useState<Error | null>(null);
  useEffect(() => {
    add(null);
    return followLogs(project, { onLine: (line) => add(withoutEscapes(textOf(line))), onRefused: setRefused });
  }, [project]);
  return { log, refused };
}
