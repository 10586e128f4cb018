"""The model of this installation, where there is one: `<data_dir>/model/model.npz`."""

from __future__ import annotations

import secrets
from pathlib import Path

from enrichment.errors import ModelError
from enrichment.trained import from_bytes
from tingchao.durable import sync
from tingchao.errors import ConfigurationError


def own_model_path(data: Path) -> Path:
    return data / "model" / "model.npz"


def own_model(data: Path) -> bytes | None:
    """Return the trained model; None where the one of the package serves.

    `ConfigurationError` when it is of another release.
    """
    path = own_model_path(data)
    if not path.exists():
        return None
    content = path.read_bytes()
    try:
        from_bytes(content)
    except ModelError as error:
        raise ConfigurationError(
            f"{path}: {error}. Run `tingchao train`, or take the file away"
        ) from None
    return content


def keep_model(data: Path, content: bytes) -> Path:
    """Put a model in its place, whole and durably; return where."""
    path = own_model_path(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{secrets.token_hex(8)}.part")
    aside.write_bytes(content)
    sync(aside)
    aside.replace(path)
    sync(path.parent)
    return path
