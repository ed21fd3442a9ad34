"""Training: losses, mining, recipes and the loop that makes teachers and students. Needs `lofivpr[train]`."""

from lofivpr.training.recipe import SETTINGS, Recipe, RecipeError, recipe_names
from lofivpr.training.run import distill, train

__all__ = ["SETTINGS", "Recipe", "RecipeError", "distill", "recipe_names", "train"]
