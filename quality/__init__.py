"""STOP: gates at the two borders, what lands and what is published."""
