"""A catalogue: values of one kind in YAML, those that come with the package by name, others from files."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from lofivpr.errors import LofiError

Value = TypeVar("Value", bound=BaseModel)


@dataclass(frozen=True)
class Catalogue(Generic[Value]):
    """Values of the class `kind`; `noun` is what messages call one, `error` what they are raised as.

    package: those that come with it lie in its folder `recipes`.
    """

    kind: type[Value]
    noun: str
    error: type[LofiError]
    package: str

    def names(self) -> list[str]:
        """Those that come with the package."""
        return names_in(self.package, "recipes")

    def load(self, name: str | Path) -> Value:
        """One by name, or from a YAML file.

        Raises:
            LofiError, as `error`: there is none, or a key or value that this kind does not have.
        """
        return self.validated(self.parsed(self._text(name), str(name)), str(name))

    def parsed(self, text: str, source: str) -> Any:
        """What YAML says, unchecked; `source` is where the text is from."""
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise self.error(f"{source}: expected YAML, found: {' '.join(str(error).split())}.") from error

    def validated(self, values: Any, source: str) -> Value:
        """A value of checked fields; `source` is where they are from."""
        try:
            return self.kind.model_validate(values)
        except LofiError as error:  # of a quality or a rule of positives
            raise self.error(f"{source}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or self.noun
            raise self.error(
                f"{source}: {where}: {first['msg']}, found {first.get('input')!r}. "
                f"A {self.noun} has the keys {', '.join(self.kind.model_fields)}."
            ) from error

    def _text(self, name: str | Path) -> str:
        path = Path(name)
        if path.suffix in {".yaml", ".yml"}:
            try:
                return path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise self.error(f"expected a {self.noun} in UTF-8 at {path}, found: {error}.") from error
        known = self.names()
        if str(name) not in known:
            expected = f"expected a {self.noun} out of {', '.join(known)} or a path that ends in .yaml"
            raise self.error(f"{expected}, found {str(name)!r}.")
        return (resources.files(self.package) / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")


def names_in(package: str, folder: str) -> list[str]:
    """Names of the YAML files that come with a package in one of its folders, sorted."""
    entries = (resources.files(package) / folder).iterdir()
    return sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))
