"""DOOR: configuration and the command line."""
