"""UNDERSTAND: pure functions on Chinese community text."""
