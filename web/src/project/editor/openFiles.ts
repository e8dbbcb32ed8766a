// Which files are open in the editor, and which one is seen.
import { useCallback, useReducer } from "react";

/** Each open file keeps an editor; beyond this many the one opened first and unchanged is closed. */
export const MAX_OPEN_FILES = 12;

export interface OpenFiles {
  files: readonly string[];
  current: string | null;
  /** Files with edits that are not saved. */
  changed: ReadonlySet<string>;
}

export type OpenFilesAction =
  | { type: "open" | "close"; file: string }
  | { type: "mark"; file: string; isChanged: boolean };

export const NONE_OPEN: OpenFiles = { files: [], current: null, changed: new Set() };

export function change(open: OpenFiles, action: OpenFilesAction): OpenFiles {
  switch (action.type) {
    case "open":
      return show(open, action.file);
    case "close":
      return close(open, action.file);
    case "mark":
      return mark(open, action.file, action.isChanged);
  }
}

function show(open: OpenFiles, file: string): OpenFiles {
  if (open.files.includes(file)) return { ...open, current: file };
  const files = [...open.files, file];
  const oldest = files.length > MAX_OPEN_FILES ? files.find((other) => !open.changed.has(other)) : undefined;
  return { ...open, files: files.filter((other) => other !== oldest || other === file), current: file };
}

function close(open: OpenFiles, file: string): OpenFiles {
  const place = open.files.indexOf(file);
  const files = open.files.filter((other) => other !== file);
  const neighbour = files[Math.min(place, files.length - 1)] ?? null;
  const changed = new Set([...open.changed].filter((other) => other !== file));
  return { files, changed, current: open.current === file ? neighbour : open.current };
}

function mark(open: OpenFiles, file: string, isChanged: boolean): OpenFiles {
  if (open.changed.has(file) === isChanged) return open;
  const others = [...open.changed].filter((other) => other !== file);
  return { ...open, changed: new Set(isChanged ? [...others, file] : others) };
}

export function useOpenFiles() {
  const [state, act] = useReducer(change, NONE_OPEN);
  const open = useCallback((file: string) => act({ type: "open", file }), []);
  const close = useCallback((file: string) => act({ type: "close", file }), []);
  const mark = useCallback((file: string, isChanged: boolean) => act({ type: "mark", file, isChanged }), []);
  return { ...state, open, close, mark };
}

export type OpenFilesHandle = ReturnType<typeof useOpenFiles>;
