"""Refuses programs that the operator names."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.command_policy import Decision, Request, Risk, Verdict
from wit_world.exports.lifecycle import Description, Problem
from wit_world.imports import settings
from wit_world.imports.errors import Error_Invalid

# What the setting `refused` is where the operator gives none.
REFUSED = ["sudo", "su"]


class Lifecycle(exports.Lifecycle):
    def describe(self) -> Description:
        return Description(
            id="my-plugin",
            version="0.1.0",
            summary="Refuses programs that the operator names.",
        )

    # A function with a result returns what is right and raises what is wrong.
    def validate_settings(self, settings: str) -> None:
        found = problem(settings)
        if found:
            raise Err([found])


class CommandPolicy(exports.CommandPolicy):
    def evaluate(self, request: Request) -> Verdict:
        refused = granted()
        if request.argv is None:
            programs = first_words(request.command)
        else:
            programs = request.argv[:1]
        for program in map(base, programs):
            if program in refused:
                return deny(program)
        return allow()

    def explain(self) -> str:
        return f"These programs are refused: {', '.join(granted())}."


def granted() -> list[str]:
    """An error is no verdict, and without a verdict the host refuses the command."""
    text = settings.get()
    found = problem(text)
    if found:
        raise Err(Error_Invalid(found.message))
    return json.loads(text).get("refused", REFUSED)


def problem(text: str) -> Problem | None:
    """What is wrong with the settings, and where; None where they are right."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Problem("", "must be one JSON object")
    for key in given:
        if key != "refused":
            return Problem(f"/{key}", "is no setting; known: refused")
    names = given.get("refused", REFUSED)
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return None
    return Problem("/refused", "must be a list of program names")


def first_words(line: str) -> list[str]:
    """The first word of each part of a command line.

    A real shell does more; what it does is judged by the policy that is built in, and deny
    wins.
    """
    for mark in ";|&":
        line = line.replace(mark, "\n")
    return [part.split()[0] for part in line.splitlines() if part.strip()]


def base(program: str) -> str:
    return program.split("/")[-1]


def allow() -> Verdict:
    return Verdict(
        decision=Decision.ALLOW,
        risk=Risk.SAFE,
        rule="ordinary",
        reason="It starts no program that is refused.",
        sanitised=None,
        advice=None,
    )


def deny(program: str) -> Verdict:
    return Verdict(
        decision=Decision.DENY,
        risk=Risk.BLOCKED,
        rule="refused-program",
        reason=f"`{program}` may not run here.",
        sanitised=None,
        advice="Do it without that program, or ask the operator.",
    )
