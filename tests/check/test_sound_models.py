"""No false alarm: sound networks of all kinds, exported and proved, through every rule there is.

A warning that is true of a sound model all the same is listed with why.
"""

from __future__ import annotations

import architectures
import pytest

JUSTIFIED = {
    # PyTorch gives such a row something finite, the file something else: the mask of a whole row is never sound input,
    # but callers pad whole rows, so it is said. The models are those that take a mask.
    "OM403": {"bert", "albert", "clip"},
}


def test_there_are_enough_kinds() -> None:
    assert len(architectures.ALL) >= 25


@pytest.mark.parametrize("name", architectures.ALL)
def test_no_error_and_no_unjustified_warning(name: str) -> None:
    findings = architectures.exported(name).findings
    loud = [f for f in findings if f.severity != "info" and name not in JUSTIFIED.get(f.code, set())]
    assert loud == []


@pytest.mark.parametrize("name", architectures.ALL)
def test_nothing_is_called_bloated_unrolled_or_repeated_that_is_not(name: str) -> None:
    codes = {f.code for f in architectures.exported(name).findings}
    assert not codes & {"OM205", "OM212", "OM305", "OM308", "OM309", "OM310", "OM313", "OM408"}
