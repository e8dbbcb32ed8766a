// A CodeMirror editor inside an element, for as long as the element is there.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, foldGutter, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { type RefObject, useEffect, useRef } from "react";
import { languageOf } from "./language";
import { look } from "./look";

interface EditorHandlers {
  onEdit: () => void;
  onSave: () => void;
}

/** What the file itself uses, so that saving changes only what was edited. */
const lineSeparatorOf = (text: string): string => (/\r\n/.test(text) && !/(^|[^\r])\n/.test(text) ? "\r\n" : "\n");

const indentOf = (file: string): string => (file.endsWith(".py") ? "    " : "  ");

/** Gives the editor's handle; the text is what it begins with. */
export function useEditor(element: RefObject<HTMLElement | null>, file: string, text: string, handlers: EditorHandlers) {
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ text, handlers });
  useEffect(() => {
    latest.current = { text, handlers };
  });
  useEffect(() => {
    if (!element.current) return;
    const language = new Compartment();
    const begin = latest.current.text;
    const editor = new EditorView({
      parent: element.current,
      state: EditorState.create({
        doc: begin,
        extensions: [
          EditorState.lineSeparator.of(lineSeparatorOf(begin)),
          basics(file),
          language.of([]),
          keymap.of([{ key: "Mod-s", preventDefault: true, run: () => (latest.current.handlers.onSave(), true) }]),
          EditorView.updateListener.of((update) => update.docChanged && latest.current.handlers.onEdit()),
        ],
      }),
    });
    view.current = editor;
    void languageOf(file).then((extension) => {
      if (view.current === editor) editor.dispatch({ effects: language.reconfigure(extension) });
    });
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [element, file]);
  return view;
}

const basics = (file: string) => [
  lineNumbers(),
  foldGutter(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  history(),
  drawSelection(),
  indentOnInput(),
  indentUnit.of(indentOf(file)),
  bracketMatching(),
  highlightSelectionMatches(),
  EditorView.contentAttributes.of({ "aria-label": `Text of ${file}` }),
  keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
  look,
];

/** Puts another text in place of the whole, as one step that can be undone. */
export function replaceText(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}
