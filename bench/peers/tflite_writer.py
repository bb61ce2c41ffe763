"""Writes an ONNX network of convolutions, fully connected layers or attention as .tflite, pictures in NHWC, weights bit by bit the same.
Takes fp32 and QDQ (u8 activations become s8, zero points less 128). An operator that is not here raises KeyError."""
import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as fb
from onnx import numpy_helper

B = fb.BuiltinOperator
ACTIVATION = fb.ActivationFunctionType
TYPES = {np.dtype("float32"): fb.TensorType.FLOAT32, np.dtype("int32"): fb.TensorType.INT32, np.dtype("int8"): fb.TensorType.INT8}


class Writer:
    def __init__(self, model):
        inferred = onnx.shape_inference.infer_shapes(model)
        graph = self.graph = inferred.graph
        self.constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in [*graph.input, *graph.output, *graph.value_info]}
        self.made_by = {o: n for n in graph.node for o in n.output}
        self.readers = {}
        for n in graph.node:
            for i in n.input:
                self.readers.setdefault(i, []).append(n)
        self.buffers = [fb.BufferT()]
        self.tensors, self.operators, self.codes, self.index = [], [], [], {}
        self.quantisation, self.dequantised = self.find_quantisation()
        self.done = set()

    def find_quantisation(self):
        """Scale and zero point by the float value that is quantised; names of dequantised values to what they stand for."""
        params, stands = {}, {}
        for n in self.graph.node:
            if n.op_type == "QuantizeLinear":
                params[n.input[0]] = (self.constants[n.input[1]], self.constants[n.input[2]])
            if n.op_type == "DequantizeLinear":
                made = self.made_by.get(n.input[0])
                stands[n.output[0]] = made.input[0] if made is not None else None
        return params, stands

    def root(self, name):
        while self.dequantised.get(name) is not None:
            name = self.dequantised[name]
        return name

    def only_reader(self, name):
        readers = self.readers.get(name, [])
        return readers[0] if len(readers) == 1 else None

    # Tensors.

    def tensor(self, shape, kind, name="", data=None, quant=None):
        t = fb.TensorT()
        t.shape, t.type, t.name, t.buffer = [int(d) for d in shape], kind, name.encode(), 0
        if data is not None:
            buffer = fb.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), dtype=np.uint8)
            t.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if quant is not None:
            q = fb.QuantizationParametersT()
            q.scale, q.zeroPoint, q.quantizedDimension = np.float32(quant[0]).reshape(-1), np.int64(quant[1]).reshape(-1), quant[2]
            t.quantization = q
        self.tensors.append(t)
        return len(self.tensors) - 1

    def constant(self, data, quant=None):
        data = np.asarray(data)
        return self.tensor(data.shape, TYPES[data.dtype], "", data, quant)

    def value(self, name):
        name = self.root(name)
        if name in self.index:
            return self.index[name]
        if name in self.constants:
            self.index[name] = self.constant(self.constants[name])
            return self.index[name]
        shape = self.shapes[name]
        if len(shape) == 4 and self.images:
            shape = [shape[0], shape[2], shape[3], shape[1]]
        quant = self.quantisation.get(name)
        if quant is None:
            self.index[name] = self.tensor(shape, fb.TensorType.FLOAT32, name)
        else:
            zero = int(quant[1]) - (128 if quant[1].dtype == np.uint8 else 0)
            self.index[name] = self.tensor(shape, fb.TensorType.INT8, name, None, (quant[0], zero, 0))
        return self.index[name]

    def weights(self, name, axis, arrange):
        """A constant factor, its axis of channels after arranging; float or s8 with a scale a channel."""
        made = self.made_by.get(name)
        if made is None:
            return self.constant(arrange(self.constants[name])), None
        data, scale, zero = (self.constants[i] for i in made.input)
        scale = np.asarray(scale).reshape(-1)
        return self.constant(arrange(data), (scale, np.zeros(len(scale)), axis)), scale

    def bias(self, name):
        made = self.made_by.get(name)
        if made is None:
            return self.constant(self.constants[name])
        data, scale = self.constants[made.input[0]], np.asarray(self.constants[made.input[1]]).reshape(-1)
        return self.constant(data, (scale, np.zeros(len(scale)), 0))

    # Operators.

    def op(self, code, inputs, outputs, options=None, kind=0, version=1):
        key = (code, version)
        if key not in self.codes:
            self.codes.append(key)
        o = fb.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs = self.codes.index(key), inputs, outputs
        if options is not None:
            o.builtinOptions, o.builtinOptionsType = options, kind
        self.operators.append(o)

    def activated(self, node):
        """The name of the result behind a following Relu or Clip(0, 6), and that function."""
        after = self.only_reader(node.output[0])
        if after is not None and after.op_type in ("Relu", "Clip"):
            if after.op_type == "Clip":
                low, high = (float(self.scalar(i)) for i in after.input[1:3])
                assert (low, high) == (0, 6)
            self.done.add(after.output[0])
            return after.output[0], ACTIVATION.RELU if after.op_type == "Relu" else ACTIVATION.RELU6
        return node.output[0], ACTIVATION.NONE

    def scalar(self, name):
        made = self.made_by.get(name)
        if made is not None and made.op_type == "DequantizeLinear":
            q, s, z = (self.constants[i] for i in made.input)
            return (float(q) - float(z)) * float(s)
        return self.constants[name]

    def conv(self, n, a):
        x, (kh, kw), (sh, sw) = n.input[0], a["kernel_shape"], a["strides"]
        source = self.value(x)
        _, depth, height, width = self.shapes[self.root(x)]
        groups, pads = a.get("group", 1), a.get("pads", [0, 0, 0, 0])
        out_h, out_w = self.shapes[n.output[0]][2:]
        total = [max(0, (out_h - 1) * sh + kh - height), max(0, (out_w - 1) * sw + kw - width)]
        same = pads == [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]
        if not same and any(pads):
            source = self.padded(source, pads)
        padding = fb.Padding.SAME if same and any(pads) else fb.Padding.VALID
        name, act = self.activated(n)
        deep = groups == 1
        o = fb.Conv2DOptionsT() if deep else fb.DepthwiseConv2DOptionsT()
        o.padding, o.strideH, o.strideW, o.dilationHFactor, o.dilationWFactor, o.fusedActivationFunction = padding, sh, sw, 1, 1, act
        if deep:
            w, _ = self.weights(n.input[1], 0, lambda d: d.transpose(0, 2, 3, 1))
            code, kind, version = B.CONV_2D, fb.BuiltinOptions.Conv2DOptions, 3
        else:
            o.depthMultiplier = 1
            w, _ = self.weights(n.input[1], 3, lambda d: d.transpose(1, 2, 3, 0))
            code, kind, version = B.DEPTHWISE_CONV_2D, fb.BuiltinOptions.DepthwiseConv2DOptions, 3
        self.op(code, [source, w, self.bias(n.input[2])], [self.value(name)], o, kind, version)

    def padded(self, source, pads):
        t = self.tensors[source]
        before, after = [0, pads[0], pads[1], 0], [0, pads[2], pads[3], 0]
        quant = None if t.quantization is None else (t.quantization.scale, t.quantization.zeroPoint, 0)
        result = self.tensor([d + b + e for d, b, e in zip(t.shape, before, after)], t.type, "padded", None, quant)
        self.op(B.PAD, [source, self.constant(np.array(list(zip(before, after)), np.int32))], [result], fb.PadOptionsT(), fb.BuiltinOptions.PadOptions, 2)
        return result

    def dense(self, n, x, weights, arrange, bias, last):
        name, act = self.activated(last)
        o = fb.FullyConnectedOptionsT()
        o.fusedActivationFunction, o.keepNumDims = act, len(self.shapes[name]) > 2
        w, _ = self.weights(weights, 0, arrange)
        self.op(B.FULLY_CONNECTED, [self.value(x), w, self.bias(bias)], [self.value(name)], o, fb.BuiltinOptions.FullyConnectedOptions, 5)

    def binary(self, code, x, y, out, act=ACTIVATION.NONE):
        kind = {B.ADD: "Add", B.MUL: "Mul", B.SUB: "Sub"}[code]
        o = getattr(fb, f"{kind}OptionsT")()
        o.fusedActivationFunction = act
        self.op(code, [x, y], [out], o, getattr(fb.BuiltinOptions, f"{kind}Options"))

    def mean(self, x, axes, out, keep):
        o = fb.ReducerOptionsT()
        o.keepDims = keep
        self.op(B.MEAN, [x, self.constant(np.array(axes, np.int32))], [out], o, fb.BuiltinOptions.ReducerOptions, 2)

    def layer_norm(self, n, a):
        x, shape = self.value(n.input[0]), self.shapes[n.input[0]]
        axis, row = [len(shape) - 1], [*shape[:-1], 1]
        temporary = lambda dims: self.tensor(dims, fb.TensorType.FLOAT32)
        mean, centred, square, variance, shifted, inverse, scaled, gained = (temporary(d) for d in [row, shape, shape, row, row, row, shape, shape])
        self.mean(x, axis, mean, True)
        self.binary(B.SUB, x, mean, centred)
        self.binary(B.MUL, centred, centred, square)
        self.mean(square, axis, variance, True)
        self.binary(B.ADD, variance, self.constant(np.array([a["epsilon"]], np.float32)), shifted)
        self.op(B.RSQRT, [shifted], [inverse])
        self.binary(B.MUL, centred, inverse, scaled)
        self.binary(B.MUL, scaled, self.value(n.input[1]), gained)
        self.binary(B.ADD, gained, self.value(n.input[2]), self.value(n.output[0]))

    def gelu(self, n):
        """x * (1 + erf(x / sqrt 2)) / 2 as it is exported, from its Div on; the name of its result."""
        erf = self.only_reader(n.output[0])
        if erf is None or erf.op_type != "Erf":
            return None
        plus = self.only_reader(erf.output[0])
        times = self.only_reader(plus.output[0])
        half = self.only_reader(times.output[0])
        self.done.update(m.output[0] for m in (erf, plus, times, half))
        return half.output[0]

    def node(self, n):
        a = {p.name: onnx.helper.get_attribute_value(p) for p in n.attribute}
        a = {k: list(v) if hasattr(v, "__len__") and not isinstance(v, bytes) else v for k, v in a.items()}
        kind = n.op_type
        if n.output[0] in self.done:
            return
        if kind == "Conv":
            self.conv(n, a)
        elif kind == "Gemm":
            self.dense(n, n.input[0], n.input[1], (lambda d: d) if a.get("transB") else (lambda d: d.T), n.input[2], n)
        elif kind == "MatMul" and n.input[1] in self.constants:
            plus = self.only_reader(n.output[0])
            assert plus.op_type == "Add"
            bias = next(i for i in plus.input if i in self.constants)
            self.done.add(plus.output[0])
            self.dense(n, n.input[0], n.input[1], lambda d: d.T, bias, plus)
        elif kind == "MatMul":
            self.op(B.BATCH_MATMUL, [self.value(n.input[0]), self.value(n.input[1])], [self.value(n.output[0])], fb.BatchMatMulOptionsT(), fb.BuiltinOptions.BatchMatMulOptions)
        elif kind == "Add":
            name, act = self.activated(n)
            self.binary(B.ADD, self.value(n.input[0]), self.value(n.input[1]), self.value(name), act)
        elif kind == "Div":
            whole = self.gelu(n)
            if whole is not None:
                self.op(B.GELU, [self.value(n.input[0])], [self.value(whole)], fb.GeluOptionsT(), fb.BuiltinOptions.GeluOptions)
            else:
                inverse = self.constant(np.float32(1 / self.constants[n.input[1]]).reshape(1))
                self.binary(B.MUL, self.value(n.input[0]), inverse, self.value(n.output[0]))
        elif kind == "GlobalAveragePool":
            flat = self.only_reader(n.output[0])
            while flat.op_type in ("QuantizeLinear", "DequantizeLinear"):
                flat = self.only_reader(flat.output[0])
            assert flat.op_type == "Flatten"
            self.done.add(flat.output[0])
            self.mean(self.value(n.input[0]), [1, 2], self.value(flat.output[0]), False)
        elif kind == "MaxPool":
            self.max_pool(n, a)
        elif kind == "Softmax":
            o = fb.SoftmaxOptionsT()
            o.beta = 1.0
            self.op(B.SOFTMAX, [self.value(n.input[0])], [self.value(n.output[0])], o, fb.BuiltinOptions.SoftmaxOptions)
        elif kind == "Transpose":
            self.op(B.TRANSPOSE, [self.value(n.input[0]), self.constant(np.array(a["perm"], np.int32))], [self.value(n.output[0])], fb.TransposeOptionsT(), fb.BuiltinOptions.TransposeOptions)
        elif kind == "Reshape":
            shape = self.constant(np.array(self.shapes[n.output[0]], np.int32))
            self.op(B.RESHAPE, [self.value(n.input[0]), shape], [self.value(n.output[0])], fb.ReshapeOptionsT(), fb.BuiltinOptions.ReshapeOptions)
        elif kind == "LayerNormalization":
            self.layer_norm(n, a)
        elif kind not in ("QuantizeLinear", "DequantizeLinear"):
            raise KeyError(f"no .tflite form of {kind}")

    def max_pool(self, n, a):
        """Behind a Relu zeros pad as well as -infinity does."""
        assert self.made_by[n.input[0]].op_type == "Relu"
        o = fb.Pool2DOptionsT()
        o.padding, o.fusedActivationFunction = fb.Padding.VALID, ACTIVATION.NONE
        (o.filterHeight, o.filterWidth), (o.strideH, o.strideW) = a["kernel_shape"], a["strides"]
        self.op(B.MAX_POOL_2D, [self.padded(self.value(n.input[0]), a["pads"])], [self.value(n.output[0])], o, fb.BuiltinOptions.Pool2DOptions)

    def finish(self):
        graph = self.graph
        self.images = any(n.op_type == "Conv" for n in graph.node)
        first, last = graph.input[0].name, graph.output[0].name
        entry = None
        if first in self.quantisation:
            shape = self.shapes[first]
            entry = self.tensor([shape[0], shape[2], shape[3], shape[1]] if len(shape) == 4 else shape, fb.TensorType.FLOAT32, "input")
            self.op(B.QUANTIZE, [entry], [self.value(first)], fb.QuantizeOptionsT(), fb.BuiltinOptions.QuantizeOptions)
        for n in graph.node:
            self.node(n)
        exit_ = self.value(last)
        if self.tensors[exit_].type == fb.TensorType.INT8:
            result = self.tensor(self.tensors[exit_].shape, fb.TensorType.FLOAT32, "output")
            self.op(B.DEQUANTIZE, [exit_], [result], fb.DequantizeOptionsT(), fb.BuiltinOptions.DequantizeOptions, 2)
            exit_ = result
        sub = fb.SubGraphT()
        sub.tensors, sub.operators, sub.inputs, sub.outputs, sub.name = self.tensors, self.operators, [self.value(first) if entry is None else entry], [exit_], b"main"
        model = fb.ModelT()
        model.version, model.subgraphs, model.buffers, model.description = 3, [sub], self.buffers, b"neo bench"
        model.operatorCodes = []
        for code, version in self.codes:
            c = fb.OperatorCodeT()
            c.builtinCode, c.deprecatedBuiltinCode, c.version = code, min(code, 127), version
            model.operatorCodes.append(c)
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def write_tflite(model, path):
    data = Writer(model).finish()
    with open(path, "wb") as file:
        file.write(data)
