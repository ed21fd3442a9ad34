"""Training: losses, mining, recipes and the loop that makes teachers and students. Needs `lofivpr[train]`.

What trains is loaded when first used, so that the processes that encode pictures ahead need no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lofivpr.training.recipe import SETTINGS, Recipe, RecipeError, recipe_names

if TYPE_CHECKING:
    from lofivpr.training.run import distill, train

__all__ = ["SETTINGS", "Recipe", "RecipeError", "distill", "recipe_names", "train"]


def __getattr__(name: str) -> Any:
    if name not in ("distill", "train"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("lofivpr.training.run"), name)
