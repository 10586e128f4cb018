"""KEEP: schemas, segments, ledger and quarantine of everything that was ever collected."""

from lake.errors import LakeError
from lake.history import Added
from lake.lake import Lake
from lake.runs import LogicalRun, Window
from lake.schemas import Precision, StopReason
from lake.writer import ChannelWriter

__all__ = [
    "Added",
    "ChannelWriter",
    "Lake",
    "LakeError",
    "LogicalRun",
    "Precision",
    "StopReason",
    "Window",
]
