"""The state of a notebook as a value that can be compared."""

from __future__ import annotations

import logging
import random
import sys
import warnings
from pathlib import Path

import numpy as np
import torch


def module_state(module: torch.nn.Module) -> dict[str, object]:
    return {
        "training": module.training,
        "attributes": {name: id(value) for name, value in vars(module).items() if name != "training"},
        "hooks": [len(getattr(module, n)) for n in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")],
        "parameters": {
            n: (id(p), p.requires_grad, p.grad, p.data_ptr(), p.detach().numpy().tobytes())
            for n, p in module.named_parameters(recurse=False)
        },
        "buffers": {n: (id(b), b.numpy().tobytes()) for n, b in module.named_buffers(recurse=False)},
        "containers": {n: repr(v) for n, v in vars(module).items() if type(v) in (list, dict, int)},
    }


def notebook_state(model: torch.nn.Module, *tensors: torch.Tensor) -> dict[str, object]:
    """Everything that an export must leave alone, as plain values."""
    loggers = {n: v for n, v in logging.Logger.manager.loggerDict.items() if isinstance(v, logging.Logger)}
    known = {n: v for n, v in loggers.items() if n.startswith(("user", "torch.nn"))}
    return {
        "modules": {name: module_state(module) for name, module in model.named_modules()},
        "tensors": [t.detach().numpy().tobytes() for t in tensors],
        "random": (random.getstate(), str(np.random.get_state()), torch.get_rng_state().numpy().tobytes()),
        "warnings": list(warnings.filters),
        "logging": {n: (v.level, len(v.handlers), len(v.filters), v.disabled) for n, v in known.items()},
        "root": (logging.root.level, len(logging.root.handlers), [len(h.filters) for h in logging.root.handlers]),
        "process": (Path.cwd(), torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()),
        "streams": (id(sys.stdout), id(sys.stderr)),
    }
