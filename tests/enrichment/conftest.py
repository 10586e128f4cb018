"""No deadline per example: the first one of a process builds dictionaries."""

from hypothesis import settings

settings.register_profile("text", deadline=None)
settings.load_profile("text")
