"""Closing one finding: `Records.close_findings` takes a prefix, and the name of one runbook or host may begin another's."""

from datetime import datetime

from dr.catalog.catalog import Catalog
from dr.model.base import RunId


def close_one(records: Catalog, key: str, at: datetime, run: RunId) -> None:
    """Close the open finding of that very key."""
    longer = [one.key for one in records.open_findings() if one.key != key]
    records.close_findings(key, longer, at, run)
