"""Makes the peers' files of one ONNX model, in its folder: FOLDER/model.onnx -> model.tflite, model.mnn, model.ncnn.param.

    python convert.py FOLDER            the files that are not there yet; a peer that can't take the model gets none
    python convert.py --quantise FROM FOLDER   first FOLDER/model.onnx: FROM/model.onnx as QDQ (u8 activations, s8 weights a channel)
"""
import os
import subprocess
import sys
import sysconfig

import numpy as np
import onnx

from tflite_writer import write_tflite


# The binary itself: the package's Python side wants torch, which it doesn't need for ONNX.
PNNX = os.path.join(sysconfig.get_path("purelib"), "pnnx", "pnnx")


def shape_of(model):
    return [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]


def quantise(source, folder):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Samples(CalibrationDataReader):
        def __init__(self, name, shape):
            draw = np.random.default_rng(1)
            self.left = iter([{name: draw.uniform(-1, 1, shape).astype(np.float32)} for _ in range(16)])

        def get_next(self):
            return next(self.left, None)

    path = os.path.join(source, "model.onnx")
    model = onnx.load(path)
    quantize_static(path, os.path.join(folder, "model.onnx"), Samples(model.graph.input[0].name, shape_of(model)), quant_format=QuantFormat.QDQ,
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def attempt(folder, file, make):
    if os.path.exists(os.path.join(folder, file)):
        return
    try:
        make()
    except Exception as error:  # A peer that can't take a model is left out of its row.
        print(f"{folder}: no {file}: {str(error)[:400]}", file=sys.stderr)


def run(*command, cwd):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=150)
    if done.returncode != 0:
        raise RuntimeError(done.stdout[-300:])


def main():
    arguments = sys.argv[1:]
    folder = os.path.abspath(arguments[-1])
    os.makedirs(folder, exist_ok=True)
    model_file = os.path.join(folder, "model.onnx")
    if arguments[0] == "--quantise" and not os.path.exists(model_file):
        quantise(arguments[1], folder)
    tools = os.path.dirname(sys.executable)
    model = onnx.load(model_file)
    quantised = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
    attempt(folder, "model.tflite", lambda: write_tflite(model, os.path.join(folder, "model.tflite")))
    if quantised:  # Neither converter reads the QDQ form.
        return
    attempt(folder, "model.mnn", lambda: run(os.path.join(tools, "mnnconvert"), "-f", "ONNX", "--modelFile", "model.onnx", "--MNNModel", "model.mnn", "--bizCode", "neo", cwd=folder))
    shape = ",".join(str(d) for d in shape_of(model))
    attempt(folder, "model.ncnn.param", lambda: run(PNNX, "model.onnx", f"inputshape=[{shape}]", "fp16=0", cwd=folder))


main()
