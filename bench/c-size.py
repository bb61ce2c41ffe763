"""Size of trees as C, ours beside tl2cgen's: python bench/c-size.py FOLDER [MODEL...]

Trains models A, B, C (40,000 rows of 50 features from a seed, 5 % missing, ten columns in quarters: 100 x 6 binary, 500 x 8 squared
error, 100 x 6 in ten classes) with XGBoost, writes C of each with `neo compile --emit c` and with tl2cgen, and compiles ours with cc -O2.
With `--peer` behind the models tl2cgen's is compiled too, which takes minutes. Wants numpy, xgboost, treelite, tl2cgen and a built neo.
"""

import os
import subprocess
import sys
import time

MODELS = {
    "a": ("binary:logistic", 100, 6, {}),
    "b": ("reg:squarederror", 500, 8, {}),
    "c": ("multi:softprob", 100, 6, {"num_class": 10}),
}


def train(folder, name):
    import numpy as np
    import xgboost

    objective, rounds, depth, more = MODELS[name]
    random = np.random.default_rng(7)
    x = random.normal(size=(40_000, 50)).astype(np.float32)
    x[:, :10] = np.round(x[:, :10] * 4) / 4
    score = x[:, 0] + x[:, 11] * x[:, 12] + np.sin(3 * x[:, 20]) + 0.3 * random.normal(size=len(x))
    y = {"a": score > 0, "b": score, "c": np.clip((score * 1.5 + 5).astype(int), 0, 9)}[name]
    x[random.random(x.shape) < 0.05] = np.nan
    params = {"objective": objective, "max_depth": depth, "tree_method": "hist", "seed": 1, "nthread": 1, **more}
    xgboost.train(params, xgboost.DMatrix(x, y), rounds).save_model(f"{folder}/{name}.json")


def text_bytes(objects):
    lines = subprocess.run(["size", *objects], capture_output=True, text=True, check=True).stdout.splitlines()[1:]
    return sum(int(line.split()[0]) + int(line.split()[1]) for line in lines)


def sources(folder):
    return [os.path.join(folder, file) for file in sorted(os.listdir(folder)) if file.endswith((".c", ".h"))]


def compiled(files, flags):
    objects = []
    start = time.perf_counter()
    for file in files:
        if file.endswith(".c"):
            objects.append(file[:-2] + ".o")
            subprocess.run([os.environ.get("CC", "cc"), *flags, "-c", file, "-o", objects[-1]], check=True)
    return text_bytes(objects), time.perf_counter() - start


def main():
    folder, names = sys.argv[1], [word for word in sys.argv[2:] if word in MODELS] or list(MODELS)
    os.makedirs(folder, exist_ok=True)
    neo = [os.environ.get("NODE", "node"), os.path.join(os.path.dirname(__file__), "..", "bin", "neo.js")]
    import tl2cgen
    import treelite

    for name in names:
        model = f"{folder}/{name}.json"
        if not os.path.exists(model):
            train(folder, name)
        ours, theirs = f"{folder}/{name}.neo-c", f"{folder}/{name}.tl2cgen"
        subprocess.run([*neo, "compile", model, "--emit", "c", "-o", ours], check=True, stdout=subprocess.DEVNULL)
        tl2cgen.generate_c_code(treelite.frontend.load_xgboost_model(model), dirpath=theirs, params={})
        size = [sum(os.path.getsize(file) for file in sources(place)) for place in (ours, theirs)]
        text, seconds = compiled(sources(ours), ["-std=c99", "-O2", "-ffp-contract=off"])
        line = f"{name}: C {size[0]:,} / {size[1]:,} bytes = {size[0] / size[1]:.3f}x, object {text:,} bytes in {seconds:.1f} s"
        if "--peer" in sys.argv:
            peer, peer_seconds = compiled(sources(theirs), ["-O1"])
            line += f" / {peer:,} in {peer_seconds:.0f} s (tl2cgen {tl2cgen.__version__}, -O1) = {text / peer:.3f}x"
        print(line, flush=True)


main()
