"""Adds Python packages that a failed command missed."""

import json
import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lifecycle import Description, Problem
from wit_world.imports import settings
from wit_world.imports.errors import Error_Invalid
from wit_world.imports.types import Context, Edit, Edit_Write, Failure, FileContent

# What the setting `requirements` is where the operator gives none.
REQUIREMENTS = "requirements.txt"


class Lifecycle(exports.Lifecycle):
    def describe(self) -> Description:
        return Description(
            id="my-plugin",
            version="0.1.0",
            summary="Adds Python packages that a failed command missed.",
        )

    # A function with a result returns what is right and raises what is wrong.
    def validate_settings(self, settings: str) -> None:
        found = problem(settings)
        if found:
            raise Err([found])


class Fixer(exports.Fixer):
    def fix(self, failure: Failure, context: Context) -> list[Edit]:
        """No edits where it knows no remedy: somebody else may."""
        path = granted()
        missing = re.search(r"No module named '([^'.]+)", failure.output)
        if missing is None:
            return []
        package = missing[1]
        files = {file.path: file.content for file in context.existing}
        content = files.get(path) or ""
        if package in content.split():
            # Listed and still missing: the remedy is another one.
            return []
        return [Edit_Write(FileContent(path, f"{content}{package}\n".encode(), False))]


def granted() -> str:
    text = settings.get()
    found = problem(text)
    if found:
        raise Err(Error_Invalid(found.message))
    return json.loads(text).get("requirements", REQUIREMENTS)


def problem(text: str) -> Problem | None:
    """What is wrong with the settings, and where; None where they are right."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Problem("", "must be one JSON object")
    for key in given:
        if key != "requirements":
            return Problem(f"/{key}", "is no setting; known: requirements")
    requirements = given.get("requirements", REQUIREMENTS)
    if isinstance(requirements, str) and requirements:
        return None
    return Problem("/requirements", "must be the path of a file")
