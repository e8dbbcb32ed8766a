// Finds pushes in a command line.
//
// It splits the text as a shell roughly would and does not look through wrappers such as
// `bash -c`: the layered policy, which is asked as well, does. Deny wins, so a policy like
// this one can only add refusals.

// The simple commands of a line, each as its words without quotes.
export function commands(line) {
  const found = [];
  let words = [];
  let word = null;
  let quote = null;
  const endWord = () => {
    if (word !== null) words.push(word);
    word = null;
  };
  for (const c of line) {
    if (quote === c) {
      quote = null;
    } else if (quote === null && (c === "'" || c === '"')) {
      quote = c;
      word ??= "";
    } else if (quote === null && " \t\n;&|()".includes(c)) {
      endWord();
      if (c !== " " && c !== "\t") {
        found.push(words);
        words = [];
      }
    } else {
      word = (word ?? "") + c;
    }
  }
  endWord();
  found.push(words);
  return found;
}

// Judges one simple command: the rule that it falls under.
export function lookAt(words, branches) {
  const rest = pushArguments(words);
  if (rest === null) return "no-push";
  const options = rest.filter((word) => word.startsWith("-"));
  // The first name is the remote.
  const refspecs = rest.filter((word) => !word.startsWith("-")).slice(1);
  const pushesAll = options.some((option) => option === "--all" || option === "--branches");
  if (refspecs.some((refspec) => branches.includes(target(refspec))) || (pushesAll && branches.length > 0)) {
    return "protected-branch";
  }
  if (options.some(forces) || refspecs.some((refspec) => refspec.startsWith("+"))) return "force-push";
  return "push";
}

// What follows `git … push`, or null.
function pushArguments(words) {
  if (words.length === 0 || words[0].split("/").pop() !== "git") return null;
  let at = 1;
  while (at < words.length && words[at].startsWith("-")) {
    at += words[at] === "-C" || words[at] === "-c" ? 2 : 1;
  }
  return words[at] === "push" ? words.slice(at + 1) : null;
}

// The branch that a refspec such as `HEAD:refs/heads/main` writes to.
function target(refspec) {
  const name = refspec.split(":").pop().replace(/^\+/, "");
  return name.startsWith("refs/heads/") ? name.slice("refs/heads/".length) : name;
}

function forces(option) {
  const isShort = !option.startsWith("--");
  return option.startsWith("--force") || option === "--mirror" || (isShort && option.includes("f"));
}
