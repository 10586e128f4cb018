"""SHOW: publish the marts atomically, and the pages that people read."""
