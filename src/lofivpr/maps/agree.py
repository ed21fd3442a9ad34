"""Whether a model may search a map: its own maker, or a student of it."""

from __future__ import annotations

from lofivpr.errors import LofiError
from lofivpr.evaluation.contenders import Contender
from lofivpr.models import Describer


def check_agreement(describer: Describer, model: str, model_digest: str, where: object) -> None:
    """Refuse a model whose descriptors cannot be compared with those of the map at `where`.

    Raises:
        LofiError: it is neither the model that made the map nor a student whose card names that model.
    """
    if describer.digest == model_digest:
        return
    teacher = Contender(describer.name, describer).teacher
    if teacher is not None and teacher["digest"] == model_digest:
        return
    found = "a model without a teacher" if teacher is None else f"a student of {teacher['digest']}"
    raise LofiError(
        f"expected the model that made the map {where}, {model} ({model_digest}), or its student; found "
        f"{describer.name} ({describer.digest}), {found}. Name a model that fits, or build a map with "
        f"{'it' if teacher is None else 'its teacher'}."
    )


def check_maker(describer: Describer, model: str, model_digest: str, where: object) -> None:
    """Refuse to add what another model describes; a student's descriptors of sharp pictures are not its teacher's.

    Raises:
        LofiError: it is another model.
    """
    if describer.digest != model_digest:
        raise LofiError(
            f"expected the model that made the map {where}, {model} ({model_digest}), found {describer.name} "
            f"({describer.digest}). Add places with the model that made the map, or build another map."
        )
