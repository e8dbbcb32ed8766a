// The files of a project.
import { bounded, call, filePath, path } from "./http";
import type { FileEntry, Page } from "./types";

/** One page of a directory's listing. */
export const FILES_PER_PAGE = 500;
/** A directory that holds more than this is shown in part, and says so. */
export const MAX_FILES_SHOWN = 2_000;
/** A larger file is offered for download instead of opened. */
export const MAX_EDITABLE_BYTES = 2 * 1024 * 1024;

export interface Directory {
  entries: FileEntry[];
  isWhole: boolean;
}

/** The direct children of a directory, folders first. */
export async function listFiles(project: string, directory: string): Promise<Directory> {
  const entries: FileEntry[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ path: directory, limit: String(FILES_PER_PAGE) });
    if (cursor) query.set("cursor", cursor);
    const page: Page & { files: FileEntry[] } = await call(`${path("projects", project, "files")}?${query.toString()}`);
    entries.push(...page.files);
    cursor = page.next_cursor;
  } while (cursor && entries.length < MAX_FILES_SHOWN);
  return { entries: entries.sort(byKindThenName), isWhole: !cursor };
}

function byKindThenName(a: FileEntry, b: FileEntry): number {
  const [first, second] = [Number(a.type !== "directory"), Number(b.type !== "directory")];
  return first - second || a.name.localeCompare(b.name, undefined, { numeric: true });
}

export const contentUrl = (project: string, file: string): string =>
  `${path("projects", project, "content")}/${filePath(file)}`;

export type Content =
  | { type: "text"; text: string; etag: string | null }
  | { type: "binary"; size: number; etag: string | null }
  | { type: "large"; size: number | null };

export async function readFile(project: string, file: string): Promise<Content> {
  const answer = await bounded(contentUrl(project, file), { headers: { accept: "*/*" } });
  const bytes = await readAtMost(answer, MAX_EDITABLE_BYTES);
  if (!bytes) return { type: "large", size: Number(answer.headers.get("content-length")) || null };
  const etag = answer.headers.get("etag");
  const text = textIn(bytes);
  return text === null ? { type: "binary", size: bytes.length, etag } : { type: "text", text, etag };
}

/** The body's bytes; null, without reading on, when there are more than `most`. */
export async function readAtMost(answer: Response, most: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = answer.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    parts.push(part.value);
    size += part.value.length;
    if (size > most) {
      await reader?.cancel();
      return null;
    }
  }
  const bytes = new Uint8Array(size);
  parts.reduce((place, part) => (bytes.set(part, place), place + part.length), 0);
  return bytes;
}

/** The text of UTF-8 bytes; null for anything an editor would spoil by saving it. */
export function textIn(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Saves if the file is still the one that was read (412 otherwise); without an etag, whatever it is now. */
export async function writeFile(project: string, file: string, text: string, etag: string | null): Promise<string | null> {
  const headers: Record<string, string> = { "content-type": "text/plain; charset=utf-8" };
  if (etag) headers["if-match"] = etag;
  const answer = await bounded(contentUrl(project, file), { method: "PUT", body: text, headers });
  return answer.headers.get("etag");
}
