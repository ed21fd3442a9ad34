"""The models of an evaluation: named apart, and each with the model that describes its database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lofivpr.errors import LofiError
from lofivpr.models import identity_of, load_describer, precision_of, read_card

if TYPE_CHECKING:
    from lofivpr.models import Describer


@dataclass(frozen=True)
class Contender:
    """A model under a name that no other in the evaluation has; `folder` where it was loaded from one."""

    name: str
    describer: Describer
    folder: Path | None = None

    @property
    def teacher(self) -> dict[str, Any] | None:
        """The teacher's `digest` and `path` from the model's card, None if it has no teacher."""
        card = getattr(self.describer, "card", None)
        if not isinstance(card, dict) and self.folder is not None:
            card = read_card(self.folder)
        teacher = (card or {}).get("teacher")
        return teacher if isinstance(teacher, dict) and teacher.get("digest") else None


def contenders(models: Sequence[Describer | str | Path], runtime: str = "auto") -> list[Contender]:
    """Load the models and name them: the folder's name, or the model's own; a second one gets `-2`.

    `runtime` is that of `load_describer` for those that are folders.

    Raises:
        LofiError: no models, or a folder that cannot be loaded.
    """
    if not models:
        raise LofiError("expected at least one model to evaluate, found none.")
    found: list[Contender] = []
    for model in models:
        name, describer, folder = _load(model, runtime)
        taken = {other.name for other in found}
        numbered = (name if i == 1 else f"{name}-{i}" for i in range(1, len(models) + 1))
        found.append(Contender(next(n for n in numbered if n not in taken), describer, folder))
    return found


def database_contender(
    contender: Contender, known: Sequence[Contender], given: Contender | None, runtime: str = "auto"
) -> Contender:
    """The model that describes the database for `contender` in the asymmetric protocol.

    `given` if there is one; else the teacher that the contender's card names, found among `known` by
    its digest or loaded from its last path; else the contender itself.

    Raises:
        LofiError: the teacher is nowhere, or its folder now holds another model.
    """
    if given is not None:
        return next((other for other in known if identity_of(other.describer) == identity_of(given.describer)), given)
    teacher = contender.teacher
    if teacher is None:
        return contender
    for other in known:
        if other.describer.digest == teacher["digest"]:
            return other
    return _load_teacher(contender, teacher, runtime)


def _load_teacher(contender: Contender, teacher: dict[str, Any], runtime: str) -> Contender:
    named = Path(str(teacher.get("path") or ""))
    places = [named] if contender.folder is None else [contender.folder / named, named]
    folder = next((place for place in places if teacher.get("path") and place.is_dir()), None)
    advice = "Name the model that described the database (--database-model DIR)."
    if folder is None:
        raise LofiError(
            f"expected the teacher of {contender.name!r} at {named} (digest {teacher['digest']}), found no "
            f"such folder. {advice}"
        )
    name, describer, _ = _load(folder, runtime)
    if describer.digest != teacher["digest"]:
        raise LofiError(
            f"expected the teacher of {contender.name!r} (digest {teacher['digest']}) at {folder}, found "
            f"another model (digest {describer.digest}). {advice}"
        )
    return Contender(name, describer, folder)


def _load(model: Describer | str | Path, runtime: str) -> tuple[str, Describer, Path | None]:
    """Name, describer and folder; results of another precision than float32 say so in the name."""
    if isinstance(model, str | Path):
        folder: Path | None = Path(model)
        name, describer = Path(model).resolve().name, load_describer(model, runtime)
    else:
        name, describer, folder = model.name, model, None
    precision = precision_of(describer)
    return name if precision == "float32" else f"{name} ({precision})", describer, folder
