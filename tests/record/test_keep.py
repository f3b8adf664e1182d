"""Which calls are kept, and what is said of the others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

import onnxmagic
from onnxmagic.record import copies, store
from onnxmagic.record.budget import parse_budget, size_text


class Same(nn.Module):
    def forward(self, x: torch.Tensor, *rest: object, scale: object = None) -> torch.Tensor:
        return x


def of_rows(*rows: int, keep: int = 16, budget: int | str = "1GB") -> onnxmagic.Recording:
    model = Same()
    with onnxmagic.record(model, keep=keep, budget=budget) as calls:
        for count in rows:
            model(torch.ones(count, 25))  # 100 bytes a row, and as many come back
    return calls.recording()


def kept(recording: onnxmagic.Recording) -> list[int]:
    return [call.number for call in recording.kept]


def counts(recording: onnxmagic.Recording) -> dict[int, int]:
    return {call.args[0].shape[0]: call.count for call in recording.calls if not call.kept}


def test_all_are_kept_where_there_is_room() -> None:
    recording = of_rows(1, 1, 2)
    assert kept(recording) == [1, 2, 3]
    assert (recording.total, recording.failed, recording.unkept) == (3, 0, ())
    assert [call.nbytes for call in recording.calls] == [200, 200, 400]


def test_the_rest_of_many_is_one_shape_with_a_count() -> None:
    recording = of_rows(*[1] * 100)
    assert kept(recording) == list(range(1, 17))
    assert recording.unkept == (
        "84 of 100 calls were not kept: --keep 16 is reached; their shapes count all the same.",
    )
    rest = recording.calls[-1]
    assert (rest.kept, rest.count, rest.number, rest.output, rest.nbytes) == (False, 84, 17, None, 0)
    assert rest.args[0].is_meta
    assert sum(call.count for call in recording.calls) == recording.total


def test_a_new_shape_takes_the_place_of_the_latest_of_the_most_frequent() -> None:
    recording = of_rows(1, 1, 1, 2, 2, 7, 8, keep=5)
    assert kept(recording) == [1, 4, 5, 6, 7]
    assert {call.args[0].shape[0] for call in recording.kept} == {1, 2, 7, 8}
    assert sum(counts(recording).values()) == 2


def test_a_last_short_batch_is_kept() -> None:
    recording = of_rows(*[8] * 50, 3)
    assert kept(recording) == [*range(1, 16), 51]
    assert counts(recording) == {8: 35}


def test_no_shape_is_given_up_for_another() -> None:
    recording = of_rows(1, 2, 3, 4, 1, keep=3)
    assert kept(recording) == [1, 2, 3]
    assert counts(recording) == {4: 1, 1: 1}
    assert recording.unkept == ("2 of 5 calls were not kept: --keep 3 is reached; their shapes count all the same.",)


def test_the_budget_holds_and_is_said() -> None:
    recording = of_rows(*[5] * 10, budget="4KB")
    assert kept(recording) == [1, 2, 3, 4]
    assert recording.unkept == (
        "6 of 10 calls were not kept: --budget 4 KB is used up (one takes 1 KB); their shapes count all the same.",
    )


def test_a_new_shape_finds_memory_too() -> None:
    recording = of_rows(5, 5, 5, 5, 8, budget="4KB")
    assert kept(recording) == [1, 2, 5]
    assert sum(call.nbytes for call in recording.kept) <= 4000


def test_a_call_larger_than_the_budget_moves_nothing() -> None:
    recording = of_rows(1, 1, 50, budget="4KB")
    assert kept(recording) == [1, 2]
    assert recording.unkept == (
        "1 of 3 calls was not kept: one takes 10 KB, more than --budget 4 KB; its shapes count all the same.",
    )
    assert counts(recording) == {50: 1}


def test_a_call_that_only_its_output_makes_too_large() -> None:
    class Wide(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.expand(1000, -1)

    model = Wide()
    with onnxmagic.record(model, budget=1000) as calls:
        for _ in range(3):
            model(torch.ones(1, 10))
    recording = calls.recording()
    assert recording.kept == ()
    assert recording.calls[0].count == 3
    assert "one takes 40 KB, more than --budget 1 KB" in recording.unkept[0]


def test_plain_values_modes_and_structure_make_a_shape_of_their_own() -> None:
    model, x = Same(), torch.ones(1)
    with onnxmagic.record(model, keep=1) as calls:
        model(x)
        model(x, None)
        model(x, scale=1)
        model(x, scale=1.0)
        model(x, scale=True)
        model(x, scale=[x])
        model(x, scale=[x.double()])
        model(x, scale=float("nan"))
        model(x, scale=float("nan"))
        model.eval()
        model(x)
    rest = calls.recording().calls[1:]
    assert [call.count for call in rest] == [1, 1, 1, 1, 1, 1, 2, 1]
    assert [call.training for call in rest] == [True] * 7 + [False]


def test_the_order_of_keywords_is_no_shape() -> None:
    class Two(nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return a

    model, x = Two(), torch.ones(1)
    with onnxmagic.record(model, keep=1) as calls:
        for names in ("ab", "ab", "ba"):
            model(**{name: torch.ones(1) for name in names})
    assert [call.count for call in calls.recording().calls] == [1, 2]
    assert torch.equal(calls.recording().calls[0].output, x)


def test_so_many_shapes_that_they_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_SHAPES", 3)
    recording = of_rows(*range(1, 11), 2, keep=1)
    assert len(recording.calls) == 4
    assert sum(counts(recording).values()) == 4
    assert recording.unkept[1] == ("Of 6 calls not even the shapes are here: more than 3 different ones were met.")


def test_numbers_are_the_order_of_the_calls_and_failed_ones_count() -> None:
    class Picky(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.sum() < 0:
                raise ValueError("negative")
            return x

    model = Picky()
    with onnxmagic.record(model) as calls:
        model(torch.ones(1))
        with pytest.raises(ValueError, match="negative"):
            model(-torch.ones(1))
        model(torch.ones(1))
    recording = calls.recording()
    assert kept(recording) == [1, 3]
    assert (recording.total, recording.failed) == (2, 1)


def test_memory_reserved_for_failed_calls_is_given_back() -> None:
    class Failing(nn.Module):
        def forward(self, x: torch.Tensor, *, fail: bool) -> torch.Tensor:
            if fail:
                raise ValueError
            return x

    model = Failing()
    with onnxmagic.record(model, budget=200) as calls:
        for _ in range(5):
            with pytest.raises(ValueError):
                model(torch.ones(20), fail=True)
        model(torch.ones(20), fail=False)
    assert len(calls.recording().kept) == 1


def test_no_memory_for_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    clone = copies._clone

    def clone_of_few(leaf: torch.Tensor) -> torch.Tensor:
        if len(leaf) > 2:
            raise torch.OutOfMemoryError("no more")
        return clone(leaf)

    monkeypatch.setattr(copies, "_clone", clone_of_few)
    recording = of_rows(1, 3, 2)
    assert kept(recording) == [1, 3]
    assert counts(recording) == {3: 1}
    assert recording.unkept == (
        "1 of 3 calls was not kept: there was no memory for the copies; its shapes count all the same.",
    )


def test_many_threads_stay_within_both_bounds() -> None:
    model = Same()
    with onnxmagic.record(model, keep=5, budget=2000) as calls, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: model(torch.ones(1 + n % 3, 25)), range(200)))
    recording = calls.recording()
    assert 1 <= len(recording.kept) <= 5
    assert sum(call.nbytes for call in recording.kept) <= 2000
    assert sum(call.count for call in recording.calls) == recording.total == 200


@pytest.mark.parametrize(
    ("written", "nbytes"),
    [
        *[("1GB", 10**9), ("500MB", 500 * 10**6), ("1.5 GB", 1_500_000_000), ("2g", 2 * 10**9), ("64KiB", 2**16)],
        *[("512", 512), ("10B", 10), (2**30, 2**30), (" 1 tb ", 10**12), (".5GB", 500_000_000)],
    ],
)
def test_sizes(written: int | str, nbytes: int) -> None:
    assert parse_budget(written) == nbytes


@pytest.mark.parametrize("written", ["", "GB", "1 XB", "-1GB", "0", 0, -1, True, None, 1.5, "1e9", "nan"])
def test_what_is_no_size_is_told_what_to_write(written: object) -> None:
    with pytest.raises(onnxmagic.UsageMistake, match=r'write "1GB", "500MB", or a whole number of bytes'):
        onnxmagic.record(Same(), budget=written)


@pytest.mark.parametrize("written", [0, -1, 1.0, "16", None, True])
def test_what_is_no_number_of_calls_is_told_what_to_write(written: object) -> None:
    with pytest.raises(onnxmagic.UsageMistake, match="write a whole number from 1, for example keep=16"):
        onnxmagic.record(Same(), keep=written)


def test_sizes_as_they_are_said() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 61_300_000, 10**9, 3 * 10**12)] == [
        *("0 bytes", "999 bytes", "1 KB", "61.3 MB", "1 GB", "3 TB"),
    ]
