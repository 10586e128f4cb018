"""DOOR: configuration and the command line."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tingchao")
except PackageNotFoundError:  # run from a checkout that was not installed
    __version__ = "0+checkout"
