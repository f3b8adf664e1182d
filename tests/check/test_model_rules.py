"""Mistakes in the model and its call, as people make them, and their sound twins; found by running an export."""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

import onnxmagic
from onnxmagic.check.evidence import EagerEvidence, Repeat, Written
from onnxmagic.check.finding import Finding
from onnxmagic.check.rules import stateful_forward

X = torch.randn(1, 4, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A module around a function of itself and its inputs."""

    def __init__(self, function: Any, **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(self, *inputs)


def export(model: nn.Module, *args: torch.Tensor, **options: Any) -> onnxmagic.Export:
    return onnxmagic.export(model.eval(), args or (X,), **options)


def of(result: Any, code: str) -> Finding:
    (finding,) = [f for f in result.findings if f.code == code]
    return finding


def codes(result: Any) -> list[str]:
    return [f.code for f in result.findings]


def failure(model: nn.Module, *args: torch.Tensor, **options: Any) -> onnxmagic.CaptureFailed:
    with pytest.raises(onnxmagic.CaptureFailed) as caught:
        export(model, *args, **options)
    return caught.value


# OM106


class Counter(nn.Module):
    """Counts its calls in a buffer, and answers by the count."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.calls


class Streaming(nn.Module):
    """Keeps what it has seen, in an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.hidden = nn.Linear(4, 4), None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x)
        self.hidden = y if self.hidden is None else y + self.hidden
        return self.hidden


def append(s: Any, x: torch.Tensor) -> torch.Tensor:
    s.past.append(x)
    return torch.cat(list(s.past), 1)


def fill(s: Any, x: torch.Tensor) -> torch.Tensor:
    s.table[0] += 1
    return x * float(s.table[0])


def grow(s: Any, x: torch.Tensor) -> torch.Tensor:
    s.weight.mul_(1.5)
    return x @ s.weight


def normalise(s: Any, x: torch.Tensor) -> torch.Tensor:
    s.largest = torch.maximum(s.largest, x.abs().max())
    return x / s.largest


def test_a_counter_is_stateful_and_the_file_is_proved_from_the_present_state() -> None:
    result = export(Counter())
    finding = of(result, "OM106")
    assert finding.message.startswith("`forward` changes `calls`, and the next answer depends on it. The file forgets")
    assert (finding.where.source, finding.where.function) == ("self.calls += 1", "forward")
    assert finding.severity == "warning"
    assert result.parity.ok
    assert "started from the state it has now" in result.parity.reason
    assert "OM407" not in codes(result)


def test_the_file_starts_where_the_model_is() -> None:
    model = Counter()
    model.calls.fill_(4)
    session = pytest.importorskip("onnxruntime").InferenceSession(export(model).model_proto().SerializeToString())
    for _ in range(2):
        np.testing.assert_allclose(session.run(None, {"x": X.numpy()})[0], X.numpy() * 5, rtol=1e-6)
    assert float(model.calls) == 4


def test_a_cache_in_an_attribute_no_longer_hides_the_batch() -> None:
    result = export(Streaming())
    assert of(result, "OM106").where.source.startswith("self.hidden = y if")
    assert [(a.status, a.sizes) for a in result.axes] == [("proved", (1, 2, 4))]


def test_a_submodules_state_goes_by_its_path() -> None:
    finding = of(export(nn.Sequential(nn.Linear(4, 4), Counter())), "OM106")
    assert "`1.calls`" in finding.message
    assert finding.where.module == "1"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (Net(append, past=[]), "past"),
        (Net(append, past=deque(maxlen=3)), "past"),
        (Net(fill, table=np.zeros(2)), "table"),
        (Net(grow, weight=nn.Parameter(torch.eye(4))), "weight"),
        (Net(normalise, largest=torch.tensor(0.0)), "largest"),
    ],
)
def test_wherever_the_state_is_it_is_found_and_put_back(model: Net, name: str) -> None:
    before = repr(getattr(model, name))
    result = export(model)
    assert f"`{name}`" in of(result, "OM106").message
    assert result.parity.ok
    assert repr(getattr(model, name)) == before


def test_state_that_torch_refuses_to_export_is_named_as_the_cause() -> None:
    error = failure(Net(grow, weight=torch.eye(4)))
    assert "mutated in the forward method" in error.headline
    assert [f.code for f in error.findings] == ["OM106"]
    assert "`weight`" in error.findings[0].message


class Masked(nn.Module):
    """Builds its mask once, as attention layers do."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.mask is None:
            self.mask = torch.tril(torch.ones(x.shape[1], x.shape[1]))
        return x @ self.mask


def test_what_is_built_once_is_no_state() -> None:
    assert codes(export(Masked())) == []


def test_a_step_counter_that_nobody_reads_is_no_warning() -> None:
    def count(s: Any, x: torch.Tensor) -> torch.Tensor:
        s.steps += 1
        return x * 2

    assert codes(export(Net(count, steps=0))) == []
    model = Net(count)
    model.register_buffer("steps", torch.tensor(0))
    finding = of(export(model), "OM106")
    assert (finding.severity, codes(export(model))) == ("info", ["OM106"])
    assert "The answers did not depend on it" in finding.message


def test_statistics_of_norms_are_nobodys_mistake() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    result = onnxmagic.export(model.train(), (torch.randn(3, 4),), train=True, prove=False)
    assert "OM106" not in codes(result)


def test_state_is_found_without_a_proof_too() -> None:
    assert "OM106" in codes(export(Counter(), prove=False))


def test_what_was_written_once_is_not_named_beside_what_goes_on() -> None:
    written = (Written("mask", "", again=False), Written("net.cache", "net"))
    (finding,) = stateful_forward.find(EagerEvidence(repeat=Repeat(written, remembers=True)))
    assert finding.message.startswith("`forward` changes `net.cache`, and")
    assert (finding.count, finding.where.module) == (1, "net")


# OM304


def draw_python(s: Any, x: torch.Tensor) -> torch.Tensor:
    return x * random.random()


def draw_numpy(s: Any, x: torch.Tensor) -> torch.Tensor:
    return x + float(np.random.rand())


def ask_the_clock(s: Any, x: torch.Tensor) -> torch.Tensor:
    return x * (time.perf_counter() % 1.0)


def draw_own(s: Any, x: torch.Tensor) -> torch.Tensor:
    return x * float(s.generator.random())


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (draw_python, "draws from Python's `random`"),
        (draw_numpy, "draws from `numpy.random`"),
        (ask_the_clock, "may depend on the time"),
    ],
)
def test_what_decides_a_second_answer_is_named_with_its_line(function: Any, said: str) -> None:
    result = export(Net(function))
    finding = of(result, "OM304")
    assert said in finding.message
    assert finding.where.function == function.__name__
    assert "(OM304)" in of(result, "OM407").message
    assert result.parity.cases == ()


def test_a_generator_of_the_models_own_is_named_and_put_back() -> None:
    model = Net(draw_own, generator=np.random.default_rng(0))
    assert "a random generator of its own" in of(export(model), "OM304").message
    assert model.generator.random() == np.random.default_rng(0).random()


def test_a_model_that_draws_and_remembers_is_told_both() -> None:
    def both(s: Any, x: torch.Tensor) -> torch.Tensor:
        s.calls += 1
        return x * random.random() + s.calls

    assert {"OM106", "OM304"} <= set(codes(export(Net(both, calls=0))))


def test_torchs_own_random_numbers_are_the_graphs_affair() -> None:
    found = codes(export(Net(lambda s, x: x + torch.rand_like(x))))
    assert "OM104" in found
    assert "OM304" not in found


def test_random_numbers_that_change_nothing_are_no_mistake() -> None:
    assert "OM304" not in codes(export(Net(lambda s, x: x * (2 if random.random() < 2 else 3))))


# OM107


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (nn.DataParallel, "`DataParallel` was taken off"),
        (torch.compile, "the wrapper of `torch.compile` was taken off"),
        (
            lambda m: nn.DataParallel(torch.compile(m)),
            "`DataParallel` and the wrapper of `torch.compile` were taken off",
        ),
    ],
)
def test_a_wrapped_model_is_exported_under_its_own_names(wrap: Any, said: str) -> None:
    result = export(wrap(nn.Linear(4, 2)))
    assert said in of(result, "OM107").message
    assert {i.name for i in result.graph.initializers} == {"weight", "bias"}


def test_a_wrapper_inside_the_model_shows_in_the_names_and_is_told() -> None:
    result = export(nn.Sequential(nn.DataParallel(nn.Linear(4, 2))))
    finding = of(result, "OM107")
    assert "begin with `0.module`" in finding.message
    assert finding.fix
    assert finding.fix.text == "model[0] = model[0].module"
    assert "0.module.weight" in {i.name for i in result.graph.initializers}


def test_a_model_compiled_in_place_has_no_wrapper() -> None:
    model = nn.Linear(4, 2)
    model.compile()
    assert codes(export(model)) == []


# OM108


def test_hooks_are_named_counted_and_kept() -> None:
    def hundredfold(module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        return output * 100

    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    model[0].register_forward_hook(hundredfold)
    model[1].register_forward_pre_hook(lambda module, args: None)
    finding = of(export(model), "OM108")
    assert "`0` (Linear) and one other module have forward hooks (`hundredfold` and `<lambda>`)" in finding.message
    assert (finding.severity, finding.count, finding.where.module) == ("info", 2, "0")
    assert len(model[0]._forward_hooks) == 1


def test_a_global_hook_is_told() -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, output: None)
    try:
        assert "Global forward hooks are set" in of(export(nn.Linear(4, 2)), "OM108").message
    finally:
        handle.remove()


def test_hooks_of_gradients_and_of_torch_itself_are_not_counted() -> None:
    model = nn.Sequential(weight_norm(nn.Linear(4, 2)))
    model.register_full_backward_hook(lambda module, before, after: None)
    assert "OM108" not in codes(export(model))


# OM109


def prepared(convert: bool) -> nn.Module:
    quantization = torch.ao.quantization
    model = nn.Sequential(quantization.QuantStub(), nn.Linear(4, 2), quantization.DeQuantStub()).eval()
    model.qconfig = quantization.get_default_qconfig("fbgemm")
    watched = quantization.prepare(model)  # pyright: ignore[reportDeprecated]  # deprecated, and used everywhere
    watched(X)
    return quantization.convert(watched) if convert else watched  # pyright: ignore[reportDeprecated]  # as above


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 2)), {nn.Linear}),  # pyright: ignore[reportDeprecated]  # as above
            "`0` (Linear) is quantised for PyTorch's own kernels",
        ),
        (lambda: prepared(convert=True), "and 2 other modules are quantised"),
        (lambda: prepared(convert=False), "are observers for quantisation"),
    ],
)
def test_quantised_modules_are_refused_in_words(make: Any, said: str) -> None:
    error = failure(make())
    assert said in error.headline
    assert [f.code for f in error.findings] == ["OM109"]
    assert "quantise the file" in error.headline


def test_stubs_that_do_nothing_yet_are_sound() -> None:
    model = nn.Sequential(torch.ao.quantization.QuantStub(), nn.Linear(4, 2))
    assert codes(export(model)) == []


# OM110


def pruned() -> nn.Module:
    linear = nn.Linear(4, 2)
    prune.l1_unstructured(linear, "weight", amount=0.5)
    return linear


@pytest.mark.parametrize(
    ("linear", "kind", "cure"),
    [
        (parametrizations.weight_norm(nn.Linear(4, 2)), "WeightNorm", "remove_parametrizations(model[0], "),
        (weight_norm(nn.Linear(4, 2)), "weight norm", "remove_weight_norm(model[0])"),
        (spectral_norm(nn.Linear(4, 2)), "spectral norm", "remove_spectral_norm(model[0])"),
        (pruned(), "pruning", 'prune.remove(model[0], "weight")'),
    ],
)
def test_weights_that_are_still_computed(linear: nn.Module, kind: str, cure: str) -> None:
    result = export(nn.Sequential(linear))
    finding = of(result, "OM110")
    assert f"`0.weight` is still computed by `{kind}`" in finding.message
    assert finding.fix
    assert cure in finding.fix.text
    assert "0.weight" not in {i.name for i in result.graph.initializers}
    assert result.parity.ok


def test_a_weight_after_the_cure_is_plain() -> None:
    linear = pruned()
    prune.remove(linear, "weight")
    assert codes(export(nn.Sequential(linear))) == []


# OM208


class Two(nn.Module):
    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return image - mask


def inputs(result: onnxmagic.Export) -> list[str]:
    return [value.name for value in result.graph.inputs]


def test_permuted_names_do_not_mislabel() -> None:
    result = export(Two(), X, X + 1, input_names=["mask", "image"])
    finding = of(result, "OM208")
    assert "what is `image` in the call would be called `mask`" in finding.message
    assert (finding.severity, finding.count) == ("error", 2)
    assert inputs(result) == ["image", "mask"]
    assert result.parity.ok


@pytest.mark.parametrize(
    ("args", "kwargs", "names", "expected"),
    [
        ((X, X), {}, ["image", "mask"], ["image", "mask"]),
        ((X, X), {}, ["mask", "pixels"], ["mask", "pixels"]),
        ((), {"mask": X, "image": X}, ["mask", "image"], ["image", "mask"]),
        ((), {"mask": X, "image": X}, ["m", "i"], ["i", "m"]),
        ((X,), {"mask": X}, ["image", "mask"], ["image", "mask"]),
    ],
)
def test_names_are_read_in_the_order_of_the_call(args: Any, kwargs: Any, names: list[str], expected: list[str]) -> None:
    result = onnxmagic.export(Two(), args, kwargs, input_names=names, prove=False)
    assert (inputs(result), codes(result)) == (expected, ["OM407"])


# OM209


def outputs(result: onnxmagic.Export) -> list[str]:
    return [value.name for value in result.graph.outputs]


@pytest.mark.parametrize(
    ("returned", "names", "expected", "said"),
    [
        (
            lambda s, x: (x * 2, None, x + 1),
            ["a", "b", "c"],
            ["a", "c"],
            "`output[1]` is None, and no output is called `b`",
        ),
        (lambda s, x: (x * 2, x + 1), ["a"], ["a", "output_1"], "1 output name for 2 tensors: the other is called"),
        (lambda s, x: {"a": x * 2, "b": x + 1}, ["b"], ["b", "b_out"], "the other is called `b_out`"),
        (lambda s, x: x * 2, ["a", "b", "c"], ["a"], "3 output names for 1 tensor: no output is called `b` and `c`"),
    ],
)
def test_a_wrong_number_of_output_names(returned: Any, names: list[str], expected: list[str], said: str) -> None:
    result = export(Net(returned), output_names=names)
    finding = of(result, "OM209")
    assert said in finding.message
    assert finding.fix
    assert finding.fix.text == f"write {','.join(expected)} with"
    assert outputs(result) == expected
    assert result.parity.ok


def test_names_for_the_tensors_beside_none_are_enough() -> None:
    result = export(Net(lambda s, x: (x * 2, None, x + 1)), output_names=["a", "b"], prove=False)
    assert (outputs(result), codes(result)) == (["a", "b"], ["OM407"])


# OM213


@dataclass
class Answer:
    logits: torch.Tensor


class DynamicCache:
    """Stands in for the one of transformers."""


@pytest.mark.parametrize(
    ("returned", "said", "cure"),
    [
        (lambda x: {"y": x, "n": 3}, "The model returns `3` as `output['n']`", "torch.tensor(3)"),
        (
            lambda x: (x, 1, "abc"),
            "The model returns `1` and `'abc'` as `output[1]` and `output[2]`",
            "torch.tensor(1)",
        ),
        (Answer, "returns an object of class `Answer` as `output`", "torch.export.register_dataclass(Answer)"),
        (lambda x: (x, DynamicCache()), "returns an object of class `DynamicCache` as `output[1]`", "use_cache=False"),
        (lambda x: [x, x.numpy()], "returns an object of class `ndarray` as `output[1]`", "tuple or dict of tensors"),
    ],
)
def test_what_a_graph_cannot_return(returned: Any, said: str, cure: str) -> None:
    class Model(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return returned(x)

    error = failure(Model())
    (finding,) = error.findings
    assert said in error.headline
    assert (finding.code, finding.where.source) == ("OM213", "return returned(x)")
    assert finding.fix
    assert cure in finding.fix.text


def test_each_kind_of_output_is_one_finding() -> None:
    error = failure(Net(lambda s, x: (x, 3, DynamicCache(), DynamicCache())))
    assert [f.count for f in error.findings] == [1, 2]


def test_registered_and_nested_outputs_are_sound() -> None:
    result = export(Net(lambda s, x: {"a": (x * 2, [x + 1]), "none": None}), prove=False)
    assert codes(result) == ["OM407"]


# All of them


def randomness() -> tuple[Any, ...]:
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().numpy().tobytes(), list(sys.path)


def frozen(model: nn.Module) -> list[tuple[str, list[tuple[str, str]]]]:
    """Everything in every module, as text."""
    return [
        (path, [(name, repr(value)) for name, value in vars(module).items() if name != "_modules"])
        for path, module in model.named_modules()
    ]


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Linear(4, 4), Counter()).train(),
        Streaming,
        Masked,
        lambda: Net(append, past=[X]),
        lambda: Net(draw_python, queue=deque([1, 2])),
        lambda: Net(lambda s, x: next(s.numbers) * x, numbers=itertools.repeat(2)),
        lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 2))).train(),
    ],
)
def test_the_notebook_is_as_it_was(make: Any) -> None:
    model = make()
    before = frozen(model), randomness()
    onnxmagic.export(model, (X,))
    assert (frozen(model), randomness()) == before
