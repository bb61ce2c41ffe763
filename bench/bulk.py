"""Rows of a csv through a model in one command, beside Python: python bench/bulk.py FOLDER [ROWS] [MODE...]

Makes in FOLDER, from a seed, rows.csv (30 features: quarters, three and six decimals, whole numbers and all digits of doubles, 5 % empty)
and model.json (XGBoost, 100 trees of depth 6), then runs `neo run` and pandas + XGBoost over it, by turns in processes of their own,
with the peak of their memory. Modes: neo, wasm, pandas. Wants numpy, pandas and xgboost, and a built neo (npm run build).
"""

import json
import os
import subprocess
import sys
import time

COLUMNS, BLOCK = 30, 250_000
NAMES = [f"feature_{i}" for i in range(COLUMNS)]
FORMATS = ["%.2f", "%.3f", "%.6g", "%d", "%r"]


def block(seed, rows):
    import numpy as np

    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, COLUMNS))
    x[:, 0::5] = np.round(x[:, 0::5] * 4) / 4
    x[:, 1::5] = np.round(x[:, 1::5], 3)
    x[:, 3::5] = np.round(x[:, 3::5] * 1000)
    x[random.random(x.shape) < 0.05] = np.nan
    return x


def make(folder, rows):
    """Every block is the first one over again: printing 300 million numbers would take Python longer than all else here."""
    import numpy as np
    import xgboost

    x = block(1, 40_000)
    filled = np.nan_to_num(x)
    y = (filled[:, 0] + filled[:, 7] * filled[:, 11] + filled[:, 22] > 0).astype(int)
    data = xgboost.DMatrix(x, y, feature_names=NAMES)
    xgboost.train({"objective": "binary:logistic", "max_depth": 6, "tree_method": "hist", "seed": 1}, data, 100).save_model(f"{folder}/model.json")
    x = block(2, min(BLOCK, rows))
    cell = [lambda v, f=FORMATS[i % 5]: "" if v != v else f % v for i in range(COLUMNS)]
    text = "".join(",".join(cell[i](v) for i, v in enumerate(row)) + "\n" for row in x.tolist())
    with open(f"{folder}/rows.csv", "w") as out:
        out.write(",".join(NAMES) + "\n")
        for _ in range(rows // len(x)):
            out.write(text)


def pandas_run(folder):
    import numpy as np
    import pandas
    import xgboost

    marks = [time.perf_counter()]
    frame = pandas.read_csv(f"{folder}/rows.csv", dtype=np.float32)
    marks.append(time.perf_counter())
    booster = xgboost.Booster({"nthread": 1}, model_file=f"{folder}/model.json")
    predictions = booster.predict(xgboost.DMatrix(frame, nthread=1))
    marks.append(time.perf_counter())
    with open(f"{folder}/pandas.csv", "w") as out:
        pandas.DataFrame({"predict": predictions}).to_csv(out, index=False)
    marks.append(time.perf_counter())
    parts = {name: round(b - a, 2) for name, a, b in zip(["parse", "predict", "write"], marks, marks[1:])}
    print(json.dumps({"rows": len(frame), "seconds": round(marks[-1] - marks[0], 2), **parts, "xgboost": xgboost.__version__, "pandas": pandas.__version__}))


def measured(command):
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command} ended with {status}")
    return output, time.perf_counter() - start, usage


def main():
    folder, rows = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    modes = sys.argv[3:] or ["neo", "wasm", "pandas"]
    if modes == ["--pandas"]:
        return pandas_run(folder)
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(f"{folder}/rows.csv"):
        make(folder, rows)
    neo = [os.environ.get("NODE", "node"), os.path.join(os.path.dirname(__file__), "..", "bin", "neo.js")]
    for mode in modes:
        command = [sys.executable, __file__, folder, str(rows), "--pandas"]
        if mode != "pandas":
            engine = ["-t", "wasm", "--executor", "wasm"] if mode == "wasm" else []
            command = [*neo, "run", f"{folder}/model.json", *engine, "--input", f"{folder}/rows.csv", "--output", f"{folder}/{mode}.csv", "--json"]
        output, seconds, usage = measured(command)
        line = json.loads(output)
        detail = line.get("result", line)
        shown = {key: detail[key] for key in ("rows", "rowsPerSecond", "times", "parse", "predict", "write", "xgboost", "pandas") if key in detail}
        print(f"{mode}: {seconds:.1f} s, {usage.ru_utime + usage.ru_stime:.1f} s of processor, {usage.ru_maxrss // 1024} MiB peak, {json.dumps(shown)}", flush=True)
    print(f"rows.csv: {os.path.getsize(f'{folder}/rows.csv') / 2**20:.0f} MiB, load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores")


main()
