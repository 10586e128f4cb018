"""Every named export format: the modules of this package, found by themselves."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from scrapers.importers.format import Format


@cache
def all_formats() -> dict[str, Format]:
    """Return every format by name; a module holds one class of its own."""
    found: dict[str, Format] = {}
    for module_info in iter_modules(__path__):
        module = import_module(f"{__name__}.{module_info.name}")
        for value in vars(module).values():
            if _is_format_of(value, module.__name__):
                found[value.name] = value()
    return dict(sorted(found.items()))


def _is_format_of(value: object, module: str) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Format)
        and value.__module__ == module
        and "name" in vars(value)
    )
