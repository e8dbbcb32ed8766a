// Text of a command's output, whose bytes may be no UTF-8 and whose escape sequences a plain panel can't show.

/** The text of an output event; bytes that are no UTF-8 show as replacement characters. */
export function textOf(event: { data: string; encoding?: "base64" }): string {
  if (event.encoding !== "base64") return event.data;
  const bytes = Uint8Array.from(atob(event.data), (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])/g;

/** Takes colours and cursor movements out; a line that was written over keeps its last writing. */
export function withoutEscapes(text: string): string {
  return text.replace(ESCAPES, "").replace(/\r\n/g, "\n").replace(/^.*\r(?!\n)/gm, "");
}
