"""Real architectures from a batch-1 example come out with a batch axis that was proved."""

import architectures
import pytest
import torch

import onnxmagic


@pytest.mark.parametrize("name", architectures.ALL)
def test_proved_dynamic_from_batch_one(name):
    result = architectures.exported(name)
    assert result.ok
    assert result.parity.ok
    assert {axis.status for axis in result.axes} == {"proved"}
    assert {axis.sizes for axis in result.axes} == {(1, 2, 4)}


def test_outputs_of_transformers_have_their_own_names():
    model, args, kwargs = architectures.bert()
    result = onnxmagic.export(model.eval(), args, kwargs, prove=False)
    assert [v.name for v in result.graph.inputs] == ["input_ids", "attention_mask"]
    assert [v.name for v in result.graph.outputs] == ["last_hidden_state", "pooler_output"]


def test_second_lstm_of_a_session_is_dynamic_too():
    for length in (5, 6):
        model = architectures.Recurrent(torch.nn.LSTM, batch_first=True).eval()
        result = onnxmagic.export(model, (torch.randn(1, length, 4),), dynamic={"x": {1: "time"}})
        assert {(a.name, a.status) for a in result.axes} == {("batch", "proved"), ("time", "proved")}
