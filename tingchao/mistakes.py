"""What is wrong with a YAML file: where, what was found, what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import yaml

Location = tuple[int | str, ...]
"""Keys and indices from the top of the file down to a value."""


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong; `name` is what people call the field, else its location says it."""

    location: Location
    message: str
    name: str = ""

    def below(self, location: Location, name: str) -> Self:
        """The same mistake, told from further up: the location and name of what holds it."""
        return replace(
            self,
            location=(*location, *self.location),
            name=".".join([name, *map(str, self.location)]),
        )

    def told(self, path: object, tree: yaml.Node | None) -> str:
        """Say it in one line: file, line, field, what is wrong."""
        field = self.name or ".".join(map(str, self.location)) or "(whole file)"
        return f"{path}:{line_of(tree, self.location)}: {field}: {self.message}"


class MistakesError(ValueError):
    """A file whose parts are right, each for itself, and do not agree."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = tuple(mistakes)


def line_of(node: yaml.Node | None, location: Location) -> int:
    """Line of the deepest node that the location still names."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        child = _child(node, part)
        if child is None:
            break
        line, node = child
    return line


def _child(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None
