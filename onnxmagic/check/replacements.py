"""What to write instead of operators that torch's exporter cannot translate.

Each ``write`` was exported and agreed with the operator it replaces; the tests do it again. Operators with no entry
have no short form that exports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["REPLACEMENTS", "Replacement", "replacement"]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Code that exports, in place of ``instead_of``; ``note`` says where it is not quite the same."""

    instead_of: str
    write: str
    note: str = ""


_CONSTANT_NOTE = "when the matrix does not depend on the input: done once in `__init__`"


def _once(call: str) -> Replacement:
    return Replacement(call, f'self.register_buffer("done", {call})', _CONSTANT_NOTE)


_LOWER_TRIANGLE = "torch.ones(x.shape[-1], x.shape[-1], dtype=torch.bool).tril()"

REPLACEMENTS: Final[dict[str, Replacement]] = {
    "aten.linalg_inv_ex": _once("torch.linalg.inv(a)"),
    "aten._linalg_solve_ex": _once("torch.linalg.inv(a)"),
    "aten.linalg_pinv": _once("torch.linalg.pinv(a)"),
    "aten._linalg_svd": _once("torch.linalg.svdvals(a)"),
    "aten._linalg_eigh": _once("torch.linalg.eigvalsh(a)"),
    "aten.linalg_cholesky_ex": _once("torch.linalg.cholesky(a)"),
    "aten.linalg_matrix_exp": _once("torch.linalg.matrix_exp(a)"),
    "aten._linalg_slogdet": Replacement("torch.linalg.slogdet(a)[1]", "torch.log(torch.abs(torch.linalg.det(a)))"),
    "aten._cdist_forward": Replacement(
        "torch.cdist(x, y)", "torch.linalg.vector_norm(x.unsqueeze(-2) - y.unsqueeze(-3), dim=-1)"
    ),
    "aten._pdist_forward": Replacement(
        "F.pdist(x)",
        "torch.linalg.vector_norm(x[:, None] - x[None], dim=-1)[tuple(torch.triu_indices(n, n, 1))]",
        "for a fixed number of rows `n`",
    ),
    "prims.prod": Replacement(
        "torch.cumprod(x, -1)", f"torch.where({_LOWER_TRIANGLE}, x.unsqueeze(-2), 1.0).prod(-1)", "for the last axis"
    ),
    "aten.cummax": Replacement(
        "torch.cummax(x, -1).values",
        f"torch.where({_LOWER_TRIANGLE}, x.unsqueeze(-2), -torch.inf).amax(-1)",
        "for the last axis, values only",
    ),
    "aten.cummin": Replacement(
        "torch.cummin(x, -1).values",
        f"torch.where({_LOWER_TRIANGLE}, x.unsqueeze(-2), torch.inf).amin(-1)",
        "for the last axis, values only",
    ),
    "aten.median": Replacement(
        "x.median(-1).values",
        "x.sort(-1).values[..., (x.shape[-1] - 1) // 2]",
        "for the last axis; `x.flatten()` first for the median of all",
    ),
    "aten.kthvalue": Replacement(
        "x.kthvalue(k, -1).values", "x.topk(k, -1, largest=False).values[..., -1]", "for the last axis"
    ),
    "aten.mode": Replacement(
        "x.mode(-1).values",
        "(s := x.sort(-1).values).gather(-1, "
        "(s.unsqueeze(-1) == s.unsqueeze(-2)).sum(-1).argmax(-1, keepdim=True)).squeeze(-1)",
        "for the last axis",
    ),
    "aten.searchsorted": Replacement(
        "torch.searchsorted(edges, x)", "(edges.unsqueeze(-2) < x.unsqueeze(-1)).sum(-1)", "`<=` for `right=True`"
    ),
    "aten.sort": Replacement(
        "x.sort(dim=-1, stable=True).values", "x.sort(dim=-1).values", "equal entries may come in another order"
    ),
    "aten.adaptive_max_pool2d": Replacement(
        "F.adaptive_max_pool2d(x, (x.shape[-2], n))",
        "torch.stack([x[..., i * w // n : -(-(i + 1) * w // n)].amax(-1) for i in range(n)], -1)",
        "for the last axis of size `w`, then likewise for the other; `F.max_pool2d` where the sizes divide",
    ),
    "prims.hypot": Replacement("torch.hypot(x, x)", "torch.sqrt(x * x + x * x)"),
    "prims.signbit": Replacement(
        "torch.copysign(x, x)", "torch.where(x < 0, -x.abs(), x.abs())", "negative zero counts as positive"
    ),
    "aten.rrelu_with_noise_functional": Replacement(
        "F.rrelu(x, lower, upper)", "F.leaky_relu(x, (lower + upper) / 2)", "the same in eval mode"
    ),
    "aten.randperm": Replacement("torch.randperm(n)", "torch.rand(n).argsort()"),
    "aten.put": Replacement("x.put(index, values)", "x.flatten().scatter(0, index, values).view(x.shape)"),
}


def replacement(target: str) -> Replacement | None:
    """Return what to write instead of an operator such as ``"aten.median.dim"``; None when nothing is known."""
    return REPLACEMENTS.get(".".join(target.split(".")[:2]))
