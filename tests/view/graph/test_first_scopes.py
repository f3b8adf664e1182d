"""What is open when a page is opened."""

from __future__ import annotations

import pytest
from test_svg import network
from unpacked import unpacked

from onnxmagic.graph.drawn import Drawn, drawn
from onnxmagic.view.graph.payload import payload


def opened(graph) -> tuple[list[str], int]:
    """Return the names of the scopes that are open, and how many scopes stand in them closed."""
    found = drawn(graph)
    assert isinstance(found, Drawn)
    data = unpacked(payload(found, "net"))
    names, parents, open_ = data["scopes"]["name"], data["scopes"]["parent"], set(data["open"])
    return [names[scope] for scope in data["open"]], sum(parent in open_ for parent in parents)


@pytest.mark.parametrize(("layers", "most"), [(2, 60), (30, 60), (59, 60)])
def test_what_holds_nearly_everything_is_open(layers, most):
    names, closed = opened(network(layers))
    assert names[0] == "net"
    assert layers <= closed <= most


def test_what_would_show_too_many_boxes_is_closed_where_there_is_more_to_see():
    names, _ = opened(network(2))
    assert "fc" not in names
