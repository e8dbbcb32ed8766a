// The text in the editor against the file on the server: what is unsaved, saving it, and lost races.
//
//   clean ──edit──▶ changed ──save──▶ clean
//     │                │ ╲
//     │ file changed   │  ╲ file changed, or 412
//     ▼                ▼   ▼
//   clean (new text)      conflict ──theirs──▶ clean ; ──mine──▶ clean ; ──later──▶ changed
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { EditorView } from "@codemirror/view";
import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { ApiError, type Content, readFile, writeFile } from "../../api";
import { keys } from "../../state/queries";
import { replaceText } from "./useEditor";

export type TextContent = Extract<Content, { type: "text" }>;

interface Saving {
  project: string;
  file: string;
  content: TextContent;
  view: RefObject<EditorView | null>;
  onMark: (isChanged: boolean) => void;
}

export function useSaving({ project, file, content, view, onMark }: Saving) {
  const client = useQueryClient();
  const base = useRef(content);
  const [isConflict, setConflict] = useState(false);

  const textOf = useCallback(() => {
    const editor = view.current;
    return editor ? editor.state.sliceDoc() : base.current.text;
  }, [view]);
  const mark = useCallback(() => onMark(textOf() !== base.current.text), [onMark, textOf]);
  const settle = useCallback(
    (text: string, etag: string | null) => {
      base.current = { type: "text", text, etag };
      client.setQueryData(keys.content(project, file), base.current);
      setConflict(false);
      mark();
    },
    [client, project, file, mark],
  );

  const saving = useMutation({
    mutationFn: async (etag: string | null) => {
      const text = textOf();
      return { text, etag: await writeFile(project, file, text, etag) };
    },
    onSuccess: ({ text, etag }) => settle(text, etag),
    onError: (error) => setConflict(error instanceof ApiError && error.status === 412),
  });
  const takingTheirs = useMutation({
    mutationFn: () => readFile(project, file),
    onSuccess: (theirs) => {
      if (theirs.type !== "text" || !view.current) return;
      replaceText(view.current, theirs.text);
      settle(theirs.text, theirs.etag);
    },
  });

  const isSaving = saving.isPending;
  useEffect(() => {
    // Somebody else changed the file. Unsaved edits are never thrown away for it.
    if (isSaving) return;
    const hasEdits = textOf() !== base.current.text;
    if (content.text !== base.current.text) {
      if (hasEdits) {
        setConflict(true);
        return;
      }
      if (view.current) replaceText(view.current, content.text);
    }
    base.current = content;
    mark();
  }, [content, isSaving, view, textOf, mark]);

  return {
    mark,
    isSaving,
    isConflict,
    error: isConflict ? takingTheirs.error : saving.error,
    save: () => {
      if (!isSaving && textOf() !== base.current.text) saving.mutate(base.current.etag);
    },
    keepMine: () => saving.mutate(null),
    takeTheirs: () => takingTheirs.mutate(),
    later: () => setConflict(false),
  };
}
