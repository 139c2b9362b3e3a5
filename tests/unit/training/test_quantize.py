"""Which parts of a network stay in float."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from inspector.detection import find_model, load_model
from inspector.domain import ConfigurationError, ModelError
from inspector.training.quantize import float_nodes, quantized


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    return onnx.load(load_model(find_model("bare-board")).weights)


def kinds(network: onnx.ModelProto, names: list[str]) -> dict[str, int]:
    types = [node.op_type for node in network.graph.node if node.name in names]
    return {kind: types.count(kind) for kind in types}


def test_the_arithmetic_behind_the_last_learnt_convolutions_is_the_decoding(network: onnx.ModelProto) -> None:
    found = kinds(network, float_nodes(network, "decoding"))
    assert found["Conv"] == 1, "the fixed sum over the distribution of distances, and no other"
    assert found["Softmax"] == 1
    assert found["Sigmoid"] == 1, "the scores', and none of the activations"
    assert "MaxPool" not in found


def test_the_answers_are_boxes_and_classes_of_three_scales(network: onnx.ModelProto) -> None:
    decoding, answers = float_nodes(network, "decoding"), float_nodes(network, "answers")
    assert set(decoding) < set(answers)
    assert kinds(network, sorted(set(answers) - set(decoding))) == {"Conv": 6}


def test_the_head_is_the_whole_last_module(network: onnx.ModelProto) -> None:
    head = float_nodes(network, "head")
    assert set(float_nodes(network, "answers")) < set(head)
    assert {name.split("/")[1] for name in head} == {"model.23"}


def test_a_network_without_convolutions_is_refused() -> None:
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], name="relu")], "g", info[:1], info[1:])
    with pytest.raises(ModelError, match="no convolution before its output"):
        float_nodes(helper.make_model(graph), "decoding")


def test_without_images_there_are_no_ranges() -> None:
    pytest.importorskip("nncf", reason="the extra `quantize` is not installed")
    with pytest.raises(ConfigurationError, match="no images to learn the ranges from"):
        quantized(load_model(find_model("bare-board")).weights, [], kept="decoding")
