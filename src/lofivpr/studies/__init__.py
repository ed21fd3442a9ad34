"""The experiments of the paper: many settings at many qualities, cached, resumable, drawn. Needs `lofivpr[train]`."""

from __future__ import annotations

from lofivpr.studies.run import Findings, run_study
from lofivpr.studies.study import Study, StudyError, study_names

__all__ = ["Findings", "Study", "StudyError", "run_study", "study_names"]
