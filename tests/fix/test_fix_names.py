"""What ``fix`` may be, and what it says to a word that it does not know."""

from __future__ import annotations

import pytest

from onnxmagic.errors import UsageMistake
from onnxmagic.fix import Fixes


def names(asked: object, *leave_out: str) -> set[str]:
    return {each.name for each in Fixes.make(asked).chosen(leave_out)}  # type: ignore[arg-type]


def test_safe_brings_what_changes_no_number_and_no_signature() -> None:
    assert (
        names(True)
        == names("safe")
        == {
            "deduplicate-weights",
            "dropout-to-identity",
            "lower-ir",
            "remove-cast-chains",
            "shape-inference",
            "single-file",
            "strip-metadata",
        }
    )


def test_unsafe_brings_what_changes_numbers_but_no_signature() -> None:
    assert names("unsafe") - names("safe") == {"remove-rounding-casts"}
    assert names("safe, unsafe") == names("unsafe")


@pytest.mark.parametrize("nothing", [False, None, "", (), " , "])
def test_nothing_is_nothing(nothing: object) -> None:
    assert not Fixes.make(nothing)  # type: ignore[arg-type]
    assert names(nothing) == set()


@pytest.mark.parametrize("asked", ["om102", "OM102", "live-dropout", "dropout-to-identity", ["OM102", "OM102"]])
def test_a_code_a_rule_or_a_rewrite_names_it(asked: object) -> None:
    assert names(asked) == {"dropout-to-identity"}


def test_names_join_a_level() -> None:
    assert names("safe,rename-axes") == names("safe") | {"rename-axes"}


def test_what_another_option_forbids_is_left_out_unless_it_is_named() -> None:
    assert "dropout-to-identity" not in names("safe", "dropout-to-identity")
    assert "dropout-to-identity" in names("safe,OM102", "dropout-to-identity")


def test_a_code_brings_no_rewrite_that_changes_numbers() -> None:
    assert names("OM310") == {"remove-cast-chains"}
    assert names("OM310,unsafe") >= {"remove-cast-chains", "remove-rounding-casts"}
    with pytest.raises(UsageMistake, match=r"changes numbers; ask for it by its name, 'double-to-float', or add"):
        Fixes.make("OM305")
    assert names("double-to-float") == {"double-to-float"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("dropout-to-identiy", "Did you mean 'dropout-to-identity'?"),
        ("dropout", "Did you mean 'dropout-to-identity'?"),
        ("OM3O9", "Did you mean OM309?"),
        ("unsave", "Did you mean 'unsafe'?"),
        ("zzz", "It takes 'safe', 'unsafe', codes"),
        ("OM201", "No rewrite mends OM201 (static-batch)"),
        (3, "fix is 3; it must be True, 'safe'"),
        (["safe", 3], "it must be True"),
    ],
)
def test_a_word_that_means_nothing_is_said_at_once(asked: object, said: str) -> None:
    with pytest.raises(UsageMistake) as caught:
        Fixes.make(asked)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_types_and_shapes_come_first_and_the_file_itself_last() -> None:
    order = [each.name for each in Fixes.make("unsafe").chosen()]
    assert order[0] == "shape-inference"
    assert order[-3:] == ["strip-metadata", "lower-ir", "single-file"]
