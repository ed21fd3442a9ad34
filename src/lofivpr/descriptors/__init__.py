"""Descriptors on disk, with what made them."""

from __future__ import annotations

from lofivpr.descriptors.cluster import Cluster
from lofivpr.descriptors.manifest import Maker, SkippedPicture, StaleStoreError
from lofivpr.descriptors.store import DescriptorStore

__all__ = ["Cluster", "DescriptorStore", "Maker", "SkippedPicture", "StaleStoreError"]
