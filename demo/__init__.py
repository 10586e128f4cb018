"""PROVE: a made-up town whose truth is known."""
