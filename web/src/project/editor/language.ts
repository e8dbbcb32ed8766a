// The language of a file by its name. Each one loads when the first such file is opened.
import type { Extension } from "@codemirror/state";

type Loader = () => Promise<Extension>;

const python: Loader = async () => (await import("@codemirror/lang-python")).python();
const html: Loader = async () => (await import("@codemirror/lang-html")).html();
const css: Loader = async () => (await import("@codemirror/lang-css")).css();
const json: Loader = async () => (await import("@codemirror/lang-json")).json();
const markdown: Loader = async () => (await import("@codemirror/lang-markdown")).markdown();
const javascript =
  (options: { jsx?: boolean; typescript?: boolean }): Loader =>
  async () =>
    (await import("@codemirror/lang-javascript")).javascript(options);

const LANGUAGES: Readonly<Record<string, Loader | undefined>> = {
  py: python,
  pyi: python,
  html,
  htm: html,
  css,
  json,
  md: markdown,
  js: javascript({}),
  mjs: javascript({}),
  cjs: javascript({}),
  jsx: javascript({ jsx: true }),
  ts: javascript({ typescript: true }),
  tsx: javascript({ typescript: true, jsx: true }),
};

/** Highlighting for a file; nothing for a language this page does not know. */
export async function languageOf(file: string): Promise<Extension> {
  const ending = file.slice(file.lastIndexOf(".") + 1).toLowerCase();
  return (await LANGUAGES[ending]?.()) ?? [];
}
