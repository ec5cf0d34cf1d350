import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from specgan import zoo
from specgan.runtime.model import load
from vocoder.errors import InputError
from vocoder.signal.spec import preset

CONFIG = {
    "format_version": 1,
    "task": "vocoder",
    "functions": {
        "affine": {"inputs": {"x": [1, "n"], "y": [1, "n"]}, "outputs": {"sum": [1, "n"], "product": [1, "n"]}},
        "twice": {"inputs": {"x": [1, "n"]}, "outputs": {"sum": [1, "n"]}},
    },
    "spec": preset("16k").to_dict(),
    "receptive_field": 7,
}


def graph(nodes, inputs, outputs):
    def described(names):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "n"]) for name in names]

    made = helper.make_graph(nodes, "g", described(inputs), described(outputs))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "toy"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(CONFIG))
    nodes = [helper.make_node("Add", ["x", "y"], ["sum"]), helper.make_node("Mul", ["x", "y"], ["product"])]
    (path / "affine.onnx").write_bytes(graph(nodes, ["x", "y"], ["sum", "product"]))
    (path / "twice.onnx").write_bytes(graph([helper.make_node("Add", ["x", "x"], ["sum"])], ["x"], ["sum"]))
    return path


def test_functions_take_and_give_arrays_in_the_order_of_the_config(folder):
    model = load(folder, threads=1)
    assert (model.name, model.task, model.spec, model.receptive_field) == ("toy", "vocoder", preset("16k"), 7)
    total, product = model.run("affine", np.array([[1, 2]], np.float32), np.array([[3, 5]], np.float32))
    assert total.tolist() == [[4, 7]] and product.tolist() == [[3, 10]]
    assert model.run("twice", np.array([[1.5]], np.float32))[0].tolist() == [[3]]


def test_a_function_is_loaded_when_it_is_first_run(folder):
    (folder / "twice.onnx").write_bytes(b"not a graph")
    model = load(folder)
    model.run("affine", np.ones((1, 2), np.float32), np.ones((1, 2), np.float32))
    with pytest.raises(InputError, match=r"twice\.onnx: damaged or not an ONNX file"):
        model.run("twice", np.ones((1, 2), np.float32))


def test_threads_reach_the_session(folder):
    model = load(folder, threads=3)
    model.run("twice", np.ones((1, 2), np.float32))
    assert model._sessions["twice"].get_session_options().intra_op_num_threads == 3


def refused(folder, name="twice"):
    with pytest.raises(InputError) as caught:
        load(folder).run(name, np.ones((1, 2), np.float32))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_unknown_function_is_told_from_those_there_are(folder):
    assert refused(folder, "draw") == "the model toy (vocoder) has no function 'draw'; it has affine, twice"


def test_files_that_are_missing_cut_short_or_of_another_function_are_named(folder):
    whole = (folder / "affine.onnx").read_bytes()
    (folder / "twice.onnx").write_bytes(whole)
    assert "twice.onnx: takes x, y, which is not what config.json says" in refused(folder)
    (folder / "twice.onnx").write_bytes(whole[: len(whole) // 2])
    assert "twice.onnx: damaged" in refused(folder)
    (folder / "twice.onnx").write_bytes(b"")
    assert "twice.onnx" in refused(folder)
    (folder / "twice.onnx").unlink()
    assert "lacks twice.onnx" in refused(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "has format_version 2, this specgan reads up to 1; install a newer specgan"),
        ({"format_version": "1"}, "format_version is '1', must be a whole number"),
        ({"format_version": True}, "format_version is True"),
        ({"task": None}, "task is None, must be a str"),
        ({"receptive_field": "wide"}, "receptive_field is 'wide', must be a int"),
        ({"functions": {"twice": {"inputs": {}}}}, "the function twice must have inputs and outputs"),
        ({"spec": {**CONFIG["spec"], "hop": "128"}}, "hop of the MelSpec is '128'"),
        ({"spec": {"hop": 128}}, "unknown or missing"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused(folder, change, message):
    (folder / "config.json").write_text(json.dumps({**CONFIG, **change}))
    assert message in refused(folder)
    assert "config.json" in refused(folder)


def test_what_is_no_model_folder_is_refused(folder, tmp_path):
    (folder / "config.json").write_text('{"format_version": 1,')
    assert "config.json: not valid JSON" in refused(folder)
    (folder / "config.json").write_text("[1]")
    assert "not a model of specgan" in refused(folder)
    (folder / "config.json").write_bytes(b"\xff\xfe\x00")
    assert "config.json: not valid JSON" in refused(folder)
    assert "has no config.json" in refused(tmp_path)


def test_shipped_models_are_found_by_name(folder, monkeypatch):
    monkeypatch.setattr(zoo, "__file__", str(folder.parent / "__init__.py"))
    assert zoo.shipped() == {"toy": folder}
    assert load("toy").folder == folder
    with pytest.raises(InputError, match="no shipped model 'vocoder-99k'; shipped are: toy"):
        load("vocoder-99k")


def test_a_graph_cannot_reach_outside_its_folder(folder, tmp_path):
    # weights may lie in further files, which a stranger's graph could place anywhere
    np.arange(4, dtype=np.float32).tofile(tmp_path / "secret")
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 4], np.zeros(16, np.uint8).tobytes(), raw=True)
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../secret")
    model = onnx.load_from_string((folder / "twice.onnx").read_bytes())
    model.graph.initializer.append(weight)
    model.graph.node[0].input[1] = "w"
    (folder / "twice.onnx").write_bytes(model.SerializeToString())
    assert "twice.onnx: damaged" in refused(folder)


def test_loading_and_running_brings_no_torch(folder):
    program = (
        "import sys, numpy as np\n"
        "from specgan.runtime.model import load\n"
        f"load({str(folder)!r}).run('twice', np.ones((1, 2), np.float32))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
