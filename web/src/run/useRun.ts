// Follows one run from its beginning, also after a reload.
import { useEffect, useReducer, useState } from "react";
import { type RunEvent, followRun } from "../api";
import { NOT_STARTED, type Progress, advance } from "./progress";

/** Null begins anew: who follows again gets every event again. */
const take = (progress: Progress, event: RunEvent | null): Progress => (event ? advance(progress, event) : NOT_STARTED);

export function useRun(run: string) {
  const [progress, dispatch] = useReducer(take, NOT_STARTED);
  const [refused, setRefused] = useState<Error | null>(null);
  useEffect(() => {
    dispatch(null);
    return followRun(run, { onEvent: dispatch, onRefused: setRefused });
  }, [run]);
  return { progress, refused };
}
