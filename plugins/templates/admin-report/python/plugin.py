"""Counts the commands of each project."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import lifecycle, report
from wit_world.exports.lifecycle import Problem
from wit_world.exports.report import (
    Block,
    Block_Chart,
    Block_Metric,
    Block_Table,
    Block_Text,
    Cell_Integer,
    Cell_Text,
    Chart,
    ChartShape,
    Document,
    Metric,
    Parameter,
    Query,
    Section,
    Series,
    Table,
)
from wit_world.imports import settings
from wit_world.imports.errors import Error_Invalid

# What the setting `most` is where the operator gives none.
MOST = 20


class Lifecycle(exports.Lifecycle):
    def describe(self) -> lifecycle.Description:
        return lifecycle.Description(
            id="my-plugin",
            version="0.1.0",
            summary="Counts the commands of each project.",
        )

    # A function with a result returns what is right and raises what is wrong.
    def validate_settings(self, settings: str) -> None:
        found = problem(settings)
        if found:
            raise Err([found])


class Report(exports.Report):
    def describe(self) -> report.Description:
        return report.Description(
            title="Commands by project",
            summary="Which projects run how many commands.",
            parameters=[Parameter("since", "From when on, such as 7d or 12h.", "30d")],
        )

    def queries(self, parameters: str) -> list[Query]:
        """What the host should look up; it hands the rows to `render`."""
        asked = {"since": json.loads(parameters)["since"], "limit": 2000}
        return [Query("activity", "activity", json.dumps(asked))]

    def render(self, parameters: str, dataset: list[Table]) -> Document:
        # The busiest first.
        projects = sorted(commands(dataset).items(), key=lambda item: (-item[1], item[0]))
        shown = projects[: granted()]
        return Document(
            "Commands by project",
            [Section("Projects", blocks(shown, len(projects)))],
        )


def commands(dataset: list[Table]) -> dict[str, int]:
    """How many commands each project ran."""
    counts: dict[str, int] = {}
    for table in dataset:
        if table.name != "activity":
            continue
        project, count = table.columns.index("project"), table.columns.index("commands")
        for row in table.rows:
            name = row[project].value
            counts[name] = counts.get(name, 0) + row[count].value
    return counts


def blocks(projects: list[tuple[str, int]], total: int) -> list[Block]:
    if not projects:
        return [Block_Text("No command was run in this time.")]
    shown = Cell_Text(f"{len(projects)} of {total} projects")
    # As many values as there are labels.
    counts = Series("commands", [float(count) for _, count in projects])
    rows = [[Cell_Text(name), Cell_Integer(count)] for name, count in projects]
    return [
        Block_Metric(Metric("Shown", shown, "")),
        Block_Chart(Chart("Commands", ChartShape.BAR, [name for name, _ in projects], [counts])),
        Block_Table(Table("By project", ["project", "commands"], rows, len(projects) < total)),
    ]


def granted() -> int:
    text = settings.get()
    found = problem(text)
    if found:
        raise Err(Error_Invalid(found.message))
    return json.loads(text).get("most", MOST)


def problem(text: str) -> Problem | None:
    """What is wrong with the settings, and where; None where they are right."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return Problem("", "must be one JSON object")
    for key in given:
        if key != "most":
            return Problem(f"/{key}", "is no setting; known: most")
    most = given.get("most", MOST)
    if isinstance(most, int) and not isinstance(most, bool) and 1 <= most <= 100:
        return None
    return Problem("/most", "must be a whole number from 1 to 100")
