"""Pictures as SVG, for pages and reports: colours come from classes, so that light and dark both fit."""

from __future__ import annotations

from stream_app.serving.pictures.bars import Bar, bars
from stream_app.serving.pictures.columns import Series, columns
from stream_app.serving.pictures.treemap import Part, treemap

__all__ = ["Bar", "Part", "Series", "bars", "columns", "treemap"]
