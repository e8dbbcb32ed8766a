"""Plans a script of one file with its test."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lifecycle import Description, Problem
from wit_world.imports import settings
from wit_world.imports.common import ProjectKind
from wit_world.imports.errors import Error_Invalid
from wit_world.imports.types import Brief, Check_Command, Plan, PlannedFile

# What the setting `entry` is where the operator gives none.
ENTRY = "main.py"


class Lifecycle(exports.Lifecycle):
    def describe(self) -> Description:
        return Description(
            id="my-plugin",
            version="0.1.0",
            summary="Plans a script of one file with its test.",
        )

    # A function with a result returns what is right and raises what is wrong.
    def validate_settings(self, settings: str) -> None:
        found = problem(settings)
        if found:
            raise Err([found])


class Planner(exports.Planner):
    def plan(self, brief: Brief) -> Plan:
        entry = granted()
        wish = brief.prompt.strip()
        if not wish:
            # Shown to whoever asked.
            raise Err(Error_Invalid("Say in a few words what the script should do."))
        return Plan(
            kind=ProjectKind.PYTHON,
            summary=f"A Python script: {wish}.",
            files=[
                PlannedFile(entry, f"The script: {wish}."),
                PlannedFile(f"test_{entry}", "Tests of the script."),
            ],
            install=[],
            start=None,
            port=None,
            checks=[Check_Command("python3 -m unittest")],
            notes="",
        )


def granted() -> str:
    text = settings.get()
    found = problem(text)
    if found:
        raise Err(Error_Invalid(found.message))
    return json.loads(text).get("entry", ENTRY)


def problem(text: str) -> Problem | None:
    """What is wrong with the settings, and where; None where they are right."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Problem("", "must be one JSON object")
    for key in given:
        if key != "entry":
            return Problem(f"/{key}", "is no setting; known: entry")
    entry = given.get("entry", ENTRY)
    if isinstance(entry, str) and entry.endswith(".py") and "/" not in entry:
        return None
    return Problem("/entry", "must be the name of a Python file")
