"""The operator's settings: which branches are protected."""

import json

DEFAULT = ["main"]


def protected(text: str) -> list[str]:
    return json.loads(text).get("protected", DEFAULT)


def problems(text: str) -> list[tuple[str, str]]:
    """Everything that is wrong with the settings, each with where it stands."""
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        return [("", "must be one JSON object")]
    found = [
        (f"/{key}", "is no setting; known: protected") for key in settings if key != "protected"
    ]
    names = settings.get("protected", DEFAULT)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        found.append(("/protected", "must be a list of branch names"))
    return found
