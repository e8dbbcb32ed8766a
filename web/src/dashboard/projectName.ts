// Names for projects: which are valid, and which one fits a prompt.

export const MAX_NAME_CHARS = 63;
const VALID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** How many words of the prompt make a name. */
const WORDS = 3;

/** Words that say nothing about what is built. */
const EMPTY_WORDS = new Set(
  (
    "a an the and or for of to in on with without that which who is are be it its this my me we us our you your i " +
    "please can could would should want need like some simple small build make create write generate give using use " +
    "test tests tested new project"
  ).split(" "),
);

export const isValidName = (name: string): boolean => VALID.test(name);

/** What is wrong with a name, as a sentence; null when nothing is. */
export function faultOf(name: string, taken: ReadonlySet<string>): string | null {
  if (name === "") return "Give the project a name.";
  if (name.length > MAX_NAME_CHARS) return `A name has at most ${MAX_NAME_CHARS} characters.`;
  if (!isValidName(name)) return "Use small letters, digits and dashes; begin with a letter or digit.";
  return taken.has(name) ? "A project of this name exists. Choose another." : null;
}

/** A valid name that is not taken, from the words of the prompt that mean something. */
export function suggestName(prompt: string, taken: ReadonlySet<string> = new Set()): string {
  const words = wordsOf(prompt);
  const telling = words.filter((word) => !EMPTY_WORDS.has(word));
  const chosen = (telling.length > 0 ? telling : words).slice(0, WORDS).join("-");
  return free(shorten(chosen, MAX_NAME_CHARS) || "project", taken);
}

const wordsOf = (prompt: string): string[] =>
  prompt
    .normalize("NFKD")
    .replace(/[\u0300-\u036f'’]/g, "")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);

const shorten = (name: string, most: number): string => name.slice(0, most).replace(/-+$/, "");

function free(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; number <= taken.size + 1; number += 1) {
    const ending = number === 1 ? "" : `-${number}`;
    const candidate = shorten(name, MAX_NAME_CHARS - ending.length) + ending;
    if (!taken.has(candidate)) return candidate;
  }
  return name;
}
