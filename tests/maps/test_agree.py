from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lofivpr.errors import LofiError
from lofivpr.maps.agree import check_agreement, check_maker


def test_the_maker_and_its_students_may_search(make_grey: Any) -> None:
    check_agreement(make_grey("t"), "teacher", "t", Path("map"))
    check_agreement(make_grey("s", teacher="t"), "teacher", "t", Path("map"))


@pytest.mark.parametrize(
    ("digest", "teacher", "found", "advice"),
    [
        ("x", None, "grey \\(x\\), a model without a teacher", "build a map with it"),
        ("s", "u", "grey \\(s\\), a student of u", "build a map with its teacher"),
    ],
)
def test_others_may_not(make_grey: Any, digest: str, teacher: str | None, found: str, advice: str) -> None:
    with pytest.raises(LofiError, match=f"map, teacher \\(t\\), or its student; found {found}.*{advice}"):
        check_agreement(make_grey(digest, teacher), "teacher", "t", Path("map"))


def test_a_student_may_not_add(make_grey: Any) -> None:
    check_maker(make_grey("t"), "teacher", "t", Path("map"))
    with pytest.raises(LofiError, match="Add places with the model that made the map"):
        check_maker(make_grey("s", teacher="t"), "teacher", "t", Path("map"))
