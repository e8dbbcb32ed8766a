"""Finds pushes in a command line.

It splits the text as a shell roughly would and does not look through wrappers such as
`bash -c`: the layered policy, which is asked as well, does. Deny wins, so a policy like
this one can only add refusals.
"""

NO_PUSH, PUSH, FORCED, PROTECTED = "no-push", "push", "force-push", "protected-branch"
# The worst last.
RULES = [NO_PUSH, PUSH, FORCED, PROTECTED]


def commands(line: str) -> list[list[str]]:
    """The simple commands of a line, each as its words without quotes."""
    found, words, word, quote = [], [], None, None
    for c in line:
        if quote == c:
            quote = None
        elif quote is None and c in "'\"":
            quote = c
            word = word or ""
        elif quote is None and c in " \t\n;&|()":
            if word is not None:
                words.append(word)
            word = None
            if c not in " \t":
                found.append(words)
                words = []
        else:
            word = (word or "") + c
    if word is not None:
        words.append(word)
    return [*found, words]


def look_at(words: list[str], branches: list[str]) -> str:
    """Judges one simple command: the rule that it falls under."""
    rest = push_arguments(words)
    if rest is None:
        return NO_PUSH
    options = [word for word in rest if word.startswith("-")]
    # The first name is the remote.
    refspecs = [word for word in rest if not word.startswith("-")][1:]
    pushes_all = any(option in ("--all", "--branches") for option in options)
    if any(target(refspec) in branches for refspec in refspecs) or (pushes_all and branches):
        return PROTECTED
    if any(map(forces, options)) or any(refspec.startswith("+") for refspec in refspecs):
        return FORCED
    return PUSH


def push_arguments(words: list[str]) -> list[str] | None:
    """What follows `git … push`."""
    if not words or words[0].split("/")[-1] != "git":
        return None
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in ("-C", "-c") else 1
    return words[at + 1 :] if words[at : at + 1] == ["push"] else None


def target(refspec: str) -> str:
    """The branch that a refspec such as `HEAD:refs/heads/main` writes to."""
    return refspec.split(":")[-1].removeprefix("+").removeprefix("refs/heads/")


def forces(option: str) -> bool:
    is_short = not option.startswith("--")
    return option.startswith("--force") or option == "--mirror" or (is_short and "f" in option)
