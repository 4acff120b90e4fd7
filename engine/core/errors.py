"""The two ways engine.core says no: too little to learn from, and an artifact it won't open."""

from __future__ import annotations


class NotEnoughData(ValueError):
    """The store has too little behaviour to learn from; the message is written for its owner."""


class ArtifactRefused(ValueError):
    """The folder is not the intact artifact that its place claims; the message names the file."""
