"""Descriptors on disk, with what made them."""

from __future__ import annotations

from lofivpr.descriptors.manifest import Maker, SkippedPicture, StaleStoreError
from lofivpr.descriptors.store import DescriptorStore

__all__ = ["DescriptorStore", "Maker", "SkippedPicture", "StaleStoreError"]
