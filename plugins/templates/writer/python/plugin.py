"""Writes each planned file as a commented beginning."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lifecycle import Description, Problem
from wit_world.imports import settings
from wit_world.imports.errors import Error_Invalid
from wit_world.imports.types import Context, Edit, Edit_Write, FileContent, Plan

# What the setting `header` is where the operator gives none.
HEADER = ""

# Endings of files whose comments begin with two slashes.
SLASHES = {"js", "mjs", "ts", "java", "go", "rs", "php"}


class Lifecycle(exports.Lifecycle):
    def describe(self) -> Description:
        return Description(
            id="my-plugin",
            version="0.1.0",
            summary="Writes each planned file as a commented beginning.",
        )

    # A function with a result returns what is right and raises what is wrong.
    def validate_settings(self, settings: str) -> None:
        found = problem(settings)
        if found:
            raise Err([found])


class Writer(exports.Writer):
    def write(self, plan: Plan, step: int, context: Context) -> list[Edit]:
        header = granted()
        if step >= len(plan.files):
            raise Err(Error_Invalid(f"The plan has no step {step}."))
        file = plan.files[step]
        # A user's own work is not overwritten.
        if any(existing.path == file.path for existing in context.existing):
            return []
        mark = "//" if file.path.split(".")[-1] in SLASHES else "#"
        lines = [f"{mark} {line}\n" for line in (header, file.purpose) if line]
        return [Edit_Write(FileContent(file.path, "".join(lines).encode(), False))]


def granted() -> str:
    text = settings.get()
    found = problem(text)
    if found:
        raise Err(Error_Invalid(found.message))
    return json.loads(text).get("header", HEADER)


def problem(text: str) -> Problem | None:
    """What is wrong with the settings, and where; None where they are right."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Problem("", "must be one JSON object")
    for key in given:
        if key != "header":
            return Problem(f"/{key}", "is no setting; known: header")
    header = given.get("header", HEADER)
    if isinstance(header, str) and "\n" not in header:
        return None
    return Problem("/header", "must be one line of text")
