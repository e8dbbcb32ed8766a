"""Refuses git pushes to protected branches, and forced ones."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.command_policy import Decision, Request, Risk, Verdict
from wit_world.exports.lifecycle import Description, Problem
from wit_world.imports import settings as host
from wit_world.imports.errors import Error_Invalid

import push
import settings

REVIEW = "Push a branch of your own and ask for a review."

FINDINGS = {
    push.NO_PUSH: (Decision.ALLOW, Risk.SAFE, "Pushes nothing.", None),
    push.PUSH: (Decision.ALLOW, Risk.MODERATE, "Pushes to a branch that is not protected.", None),
    push.FORCED: (
        Decision.DENY,
        Risk.DANGEROUS,
        "A forced push can destroy what others have pushed.",
        REVIEW,
    ),
    push.PROTECTED: (Decision.DENY, Risk.BLOCKED, "It pushes to a protected branch.", REVIEW),
}


class Lifecycle(exports.Lifecycle):
    def describe(self) -> Description:
        return Description(
            id="protected-branches",
            version="0.1.0",
            summary="Refuses git pushes to protected branches, and forced ones.",
        )

    # A function with a result returns what is right and raises what is wrong.
    def validate_settings(self, json: str) -> None:
        problems = settings.problems(json)
        if problems:
            raise Err([Problem(path, message) for path, message in problems])


class CommandPolicy(exports.CommandPolicy):
    def evaluate(self, request: Request) -> Verdict:
        branches = granted()
        parts = push.commands(request.command) if request.argv is None else [request.argv]
        # The worst of its parts decides on the whole line.
        rule = max((push.look_at(words, branches) for words in parts), key=push.RULES.index)
        decision, risk, reason, advice = FINDINGS[rule]
        return Verdict(decision, risk, rule, reason, None, advice)

    def explain(self) -> str:
        branches = ", ".join(granted()) or "no branch at all"
        return (
            "Never push with force. "
            f"Never push to {branches}; push a branch and ask for a review."
        )


def granted() -> list[str]:
    """An error is no verdict, and without a verdict the host refuses the command."""
    json = host.get()
    problems = settings.problems(json)
    if problems:
        raise Err(Error_Invalid("; ".join(f"{path}: {message}" for path, message in problems)))
    return settings.protected(json)
