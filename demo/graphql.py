"""As much of GraphQL as a stand-in needs: an answer holds what was asked for and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(r"\.\.\.|[A-Za-z_]\w*|[{}]")
ARGUMENTS = re.compile(r"\([^()]*\)")  # of fields; what they say stands in the variables

Selection = dict[str, "Selection"]


class UnknownFieldError(Exception):
    """A field was asked for that its object does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Field '{name}' doesn't exist")
        self.name = name


def read_query(query: str) -> Selection:
    """Return the fields that a query asks for, each with those below it."""
    words = TOKEN.findall(ARGUMENTS.sub("", query))
    return _read_fields(words[words.index("{") + 1 :])


def select(data: Any, asked: Selection) -> Any:
    """Return of an object, or of each of a list, what is asked for; `UnknownFieldError`."""
    if isinstance(data, list):
        return [select(one, asked) for one in data]
    if not asked or not isinstance(data, Mapping):
        return data
    for name in asked:
        if name not in data:
            raise UnknownFieldError(name)
    return {name: select(data[name], below) for name, below in asked.items()}


def _read_fields(words: list[str]) -> Selection:
    """Take words up to the closing brace off the list; a fragment's fields are its object's."""
    fields: Selection = {}
    last = ""
    while (word := words.pop(0)) != "}":
        if word == "...":
            del words[:3]  # on, the type, the opening brace
            fields |= _read_fields(words)
        elif word == "{":
            fields[last] = _read_fields(words)
        else:
            fields[word], last = {}, word
    return fields
