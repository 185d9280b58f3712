"""Where `mtcs cost` looks for its table."""

from __future__ import annotations

from mtcs.reports.tables import cost_table

__all__ = ["cost_table"]
