"""What a channel does to pictures and clips, by real codecs: decoded pixels and exact bytes."""

from __future__ import annotations

from lofivpr.quality.clip import EncodedClip
from lofivpr.quality.degrade import DegradedFolder, degrade_folder
from lofivpr.quality.degraded_row import DegradedRow
from lofivpr.quality.estimate import estimate_quality
from lofivpr.quality.grammar import QualityError
from lofivpr.quality.metrics import psnr, ssim
from lofivpr.quality.picture_file import PictureFile
from lofivpr.quality.quality import Encoded, Quality
from lofivpr.quality.range import QualityRange

__all__ = [
    "DegradedFolder",
    "DegradedRow",
    "Encoded",
    "EncodedClip",
    "PictureFile",
    "Quality",
    "QualityError",
    "QualityRange",
    "degrade_folder",
    "estimate_quality",
    "psnr",
    "ssim",
]
