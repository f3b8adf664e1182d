"""The ways to colour a graph: seven names, and seven steps with as many different figures in each."""

from __future__ import annotations

from onnxmagic.graph.cost import Cost
from onnxmagic.graph.facts import Node
from onnxmagic.graph.outline import Outline, Scope
from onnxmagic.view.graph.colours import Plan, plans
from onnxmagic.view.graph.figures import Figures


def planned(costs, ops=None, of_node=None, scopes=(("net", -1),)) -> dict[str, Plan]:
    ops = ops or ["Relu"] * len(costs)
    outline = Outline(
        "modules",
        tuple(Scope(name, name, "", parent, "module") for name, parent in scopes),
        tuple(Node(f"n{k}", op, "", (), ()) for k, op in enumerate(ops)),
        tuple(of_node or [0] * len(costs)),
        *((), (), (), (), ()),
    )
    return plans(Figures(outline, tuple(Cost(flops, 4 * cost, cost) for cost, flops in costs)))


def test_the_names_that_most_nodes_have_get_a_colour():
    ops = [f"Op{k}" for k in range(9) for _ in range(9 - k)]
    plan = planned([(0, 0)] * len(ops), ops)["operator"]
    assert plan.labels == ("others", *(f"Op{k}" for k in range(7)))
    assert (plan.nodes[0], plan.nodes[-1], plan.scopes) == (1, 0, (0,))
    assert not plan.steps


def test_a_module_of_the_first_level_that_has_several_colours_all_in_it():
    scopes = [("net", -1), ("wrapper", 0), ("a", 1), ("b", 1), ("deep", 2)]
    plan = planned([(0, 0)] * 3, None, [4, 3, 2], scopes)["module"]
    assert plan.labels == ("others", "a", "b")
    assert (plan.nodes, plan.scopes) == ((1, 2, 1), (0, 0, 1, 2, 1))


def test_each_step_of_a_cost_has_as_many_different_figures():
    plan = planned([(10 * k, 0) for k in range(14)])["parameters"]
    # Thirteen figures and their sum.
    assert plan.nodes == (0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7)
    assert plan.scopes == (7,)
    assert plan.labels[:3] == ("none, or not known", "from 10", "from 30")
    assert plan.labels[7].endswith("(each step has as many different figures)")


def test_few_figures_leave_steps_empty_and_none_leaves_all():
    plan = planned([(5, 0), (5, 0), (70, None)])
    assert plan["parameters"].labels.count("") == 4
    assert len(set(plan["parameters"].nodes)) == 2
    assert plan["flops"].labels == ("none, or not known",)
    assert set(plan["flops"].nodes) == {0}
    assert "from 20 B" in plan["bytes"].labels
