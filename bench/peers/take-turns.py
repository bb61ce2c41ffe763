"""Times neo and its peers in turns, in one process on the core it is pinned to. JOB.json says what; prints one JSON line.

Contenders of C interfaces (neo, ONNX Runtime, OpenVINO) are called by turns.c; LiteRT, ncnn and MNN by their own bindings, the bare
run call timed here. Each round gives every contender one turn of some milliseconds, one run at least, in an order that turns round.
A contender whose package or file is missing is left out."""
import ctypes
import importlib.metadata
import json
import os
import sys
import time

import numpy as np

job = json.load(open(sys.argv[1]))
folder = job["folder"]
path = lambda name: os.path.join(folder, name)
turns = ctypes.CDLL(path("turns.so"))
clock = time.perf_counter_ns
if job["clock"] == "cpu":
    turns.count_cpu_time()
    clock = time.process_time_ns
KINDS = {"f32": (np.float32, 1), "u8": (np.uint8, 2), "i8": (np.int8, 3), "i32": (np.int32, 6), "i64": (np.int64, 7), "bool": (np.uint8, 9), "f64": (np.float64, 11)}


class Port(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("dims", ctypes.POINTER(ctypes.c_int64)), ("rank", ctypes.c_int), ("type", ctypes.c_int), ("bytes", ctypes.c_size_t)]


def aligned(bytes_):
    room = np.full(bytes_ + 8192, 0xFF, np.uint8)
    start = -room.ctypes.data % 4096
    return room[start : start + bytes_ + 1024]


KEPT = []


def ports(specs, arrays):
    made = (Port * len(specs))()
    for port, spec, array in zip(made, specs, arrays):
        dims = (ctypes.c_int64 * max(1, len(spec["shape"])))(*spec["shape"])
        KEPT.append(dims)
        port.name, port.data, port.dims, port.rank = spec["name"].encode(), array.ctypes.data, dims, len(spec["shape"])
        port.type, port.bytes = KINDS[spec["dtype"]][1], int(np.prod(spec["shape"], dtype=np.int64)) * KINDS[spec["dtype"]][0]().itemsize
    return made


def room_for(specs):
    return [aligned(int(np.prod(s["shape"], dtype=np.int64)) * KINDS[s["dtype"]][0]().itemsize) for s in specs]


def typed(array, spec):
    kind, count = KINDS[spec["dtype"]][0], int(np.prod(spec["shape"], dtype=np.int64))
    return array[: count * kind().itemsize].view(kind).reshape(spec["shape"])


def inputs_of(specs, prefix):
    arrays = room_for(specs)
    for i, array in enumerate(arrays):
        data = np.fromfile(path(f"{prefix}{i}.bin"), np.uint8)
        array[: len(data)] = data
    return arrays


class InC:
    """A contender of turns.c."""

    def __init__(self, made, outputs):
        if not made:
            raise RuntimeError("not made")
        self.made, self.outputs = ctypes.c_void_p(made), outputs
        self.times = (ctypes.c_double * 4000)()

    def turn(self, ms):
        runs = turns.turn(self.made, ctypes.c_double(ms), self.times, 4000)
        if runs <= 0:
            raise RuntimeError("a run failed")
        return self.times[:runs]

    def result(self):
        self.turn(0)
        return self.outputs()


class Bound:
    """A contender of a Python binding: the call that is timed, what it left, and what must be done anew before each call, untimed."""

    def __init__(self, call, outputs, prepare=lambda: None):
        self.call, self.outputs, self.prepare = call, outputs, prepare

    def turn(self, ms):
        call = self.call
        times, end = [], clock() + int(ms * 1e6)
        while True:
            self.prepare()
            before = clock()
            call()
            after = clock()
            times.append((after - before) * 1e-6)
            if after >= end:
                return times

    def result(self):
        self.turn(0)
        return self.outputs()


def in_c(maker, job_, prefix, *first):
    ins, outs = job_["inputs"], job_["outputs"]
    given, got = inputs_of(ins, prefix), room_for(outs)
    KEPT.extend([*given, *got])
    function = getattr(turns, maker)
    function.restype = ctypes.c_void_p
    counts = maker != "make_openvino"
    x, y = ports(ins, given), ports(outs, got)
    KEPT.extend([x, y])
    made = function(*first, x, *([len(ins)] if counts else []), y, *([len(outs)] if counts else []))
    return InC(made, lambda: [typed(a, s).copy() for a, s in zip(got, outs)])


def neo(job_, prefix="input"):
    weights = np.fromfile(job_["weights"], np.uint8)
    held = aligned(len(weights))
    held[: len(weights)] = weights
    KEPT.append(held)
    return in_c("make_neo", job_, prefix, job_["object"].encode(), ctypes.c_void_p(held.ctypes.data))


def ort(job_):
    return in_c("make_ort", job_, "input", job_["runtime"].encode(), path("model.onnx").encode())


def openvino(job_):
    import openvino as package

    libs = os.path.join(os.path.dirname(package.__file__), "libs")
    name = next(f for f in sorted(os.listdir(libs)) if f.startswith("libopenvino_c.so"))
    return in_c("make_openvino", job_, "input", os.path.join(libs, name).encode(), path("model.onnx").encode())


def only_input(job_):
    (spec,) = job_["inputs"]
    return typed(inputs_of([spec], "input")[0], spec)


def litert(job_):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path("model.tflite"), num_threads=1)
    interpreter.allocate_tensors()
    x, d = only_input(job_), interpreter.get_input_details()[0]
    interpreter.set_tensor(d["index"], np.ascontiguousarray(x.transpose(0, 2, 3, 1) if x.ndim == 4 else x))
    out = interpreter.get_output_details()[0]["index"]
    return Bound(interpreter._interpreter.Invoke, lambda: [interpreter.get_tensor(out)])


def ncnn(job_):
    import ncnn as package

    if not os.path.exists(path("model.ncnn.param")):
        raise RuntimeError("no file")
    net = package.Net()
    o = net.opt
    o.num_threads, o.use_vulkan_compute, o.lightmode = 1, False, True
    o.use_fp16_packed = o.use_fp16_storage = o.use_fp16_arithmetic = o.use_bf16_storage = False
    net.load_param(path("model.ncnn.param"))
    net.load_model(path("model.ncnn.bin"))
    data = only_input(job_)[0].copy()
    x = package.Mat(data).clone()
    names_in, names_out = net.input_names()[0], net.output_names()[0]
    last = []

    def call():
        extractor = net.create_extractor()
        extractor.input(names_in, x)
        last[:] = [extractor.extract(names_out)[1]]

    return Bound(call, lambda: [np.array(last[0])])


def mnn(job_):
    import MNN

    if not os.path.exists(path("model.mnn")):
        raise RuntimeError("no file")
    interpreter = MNN.Interpreter(path("model.mnn"))
    session = interpreter.createSession({"numThread": 1, "precision": "high", "backend": "CPU"})
    x = only_input(job_)
    kind = MNN.Tensor_DimensionType_Caffe
    given, held = interpreter.getSessionInput(session), MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, kind)
    (spec,) = job_["outputs"]
    KEPT.append(interpreter)

    def outputs():
        host = MNN.Tensor(tuple(spec["shape"]), MNN.Halide_Type_Float, np.zeros(spec["shape"], np.float32), kind)
        interpreter.getSessionOutput(session).copyToHostTensor(host)
        return [np.array(host.getNumpyData())]

    # A session computes in the memory of its input.
    return Bound(lambda: interpreter.runSession(session), outputs, lambda: given.copyFrom(held))


def main():
    makers = {"neo": neo, "ONNX Runtime": ort, "OpenVINO": openvino, "LiteRT": litert, "ncnn": ncnn, "MNN": mnn}
    contenders, errors = {}, {}
    for name in job["contenders"]:
        try:
            contenders[name] = made = makers[name](job)
            made.turn(0)
            errors[name] = error_of(made.result())
        except Exception as reason:
            contenders.pop(name, None)
            print(f"{folder}: without {name}: {str(reason)[:200]}", file=sys.stderr)
    if "peak" in job:
        contenders["peak"] = neo(job["peak"], "peak")
    times = {name: [] for name in contenders}
    names, end, rounds = list(contenders), time.monotonic() + job["seconds"], 0
    while rounds < 8 or time.monotonic() < end:
        for name in names:
            times[name].extend(contenders[name].turn(job["turn"]))
        names.append(names.pop(0))
        rounds += 1
    result = {}
    for name, samples in times.items():
        samples.sort()
        n = len(samples)
        result[name] = {"min": samples[0], "p10": samples[n // 10], "median": samples[n // 2], "runs": n, "error": errors.get(name)}
    print(json.dumps({"rounds": rounds, "times": result, "versions": versions()}))
    sys.stdout.flush()
    os._exit(0)


def error_of(outputs):
    """The largest difference from the reference over max(1, largest of the reference), of all outputs."""
    worst = 0.0
    for i, got in enumerate(outputs):
        want = np.fromfile(path(f"reference{i}.bin"), np.float64)
        difference = np.abs(np.asarray(got, np.float64).reshape(-1) - want)
        worst = max(worst, float(np.max(np.nan_to_num(difference, nan=np.inf), initial=0)) / max(1.0, float(np.max(np.abs(want), initial=0))))
    return worst


def versions():
    found = {}
    for name, package in {"OpenVINO": "openvino", "LiteRT": "ai-edge-litert", "ncnn": "ncnn", "MNN": "MNN"}.items():
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


main()
