"""Trains the models that tree kernels are measured on and compiles them with the peers that make code.

    python bench/tree-peers/prepare.py bench/.cache/trees [--peers]

Everything is seeded; what exists is left alone. Of each model: NAME.json (XGBoost) or NAME.txt (LightGBM), NAME.rows (10,000 rows
of 50 float32, little-endian) and NAME.margins (the trainer's own raw scores). With --peers also NAME.lleaves.so, NAME.tl2cgen.so
and NAME.peers.json, which says how long their compilation took and how large their code is.
"""
import json
import os
import subprocess
import sys
import time

import numpy as np

FEATURES = 50
XGBOOST = {
    "a": dict(rounds=100, max_depth=6, objective="binary:logistic"),
    "b": dict(rounds=500, max_depth=8, objective="reg:squarederror"),
    "c": dict(rounds=100, max_depth=6, objective="multi:softprob", num_class=10),
}
LIGHTGBM = {
    "d": dict(rounds=200, num_leaves=31),
    "e": dict(rounds=200, num_leaves=255),
}


def rows_of(seed, count):
    """5 % missing everywhere; every fifth column is rounded to quarters."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((count, FEATURES)).astype(np.float32)
    x[:, ::5] = np.round(x[:, ::5] * 4) / 4
    whole = x.copy()
    x[random.random(x.shape) < 0.05] = np.nan
    return x, whole, random


def scores_of(x, random):
    weights = np.random.default_rng(11).standard_normal((FEATURES, 10)) / np.arange(1, FEATURES + 1)[:, None] ** 0.5
    plain = x @ weights
    bent = np.sin(x[:, :10] * 2) @ weights[:10] + (x[:, :10] * x[:, 10:20]) @ weights[10:20]
    return plain + bent + random.standard_normal(plain.shape) * 0.5


def train(folder, name):
    x, whole, random = rows_of(1, 40_000)
    scores = scores_of(whole, random)
    test, _, _ = rows_of(2, 10_000)
    test.astype("<f4").tofile(f"{folder}/{name}.rows")
    if name in XGBOOST:
        import xgboost as xgb

        params = dict(XGBOOST[name], tree_method="hist", nthread=1, seed=5)
        rounds = params.pop("rounds")
        y = {"a": scores[:, 0] > 0, "b": scores[:, 1], "c": scores.argmax(1)}[name]
        booster = xgb.train(params, xgb.DMatrix(x, label=y), rounds)
        booster.save_model(f"{folder}/{name}.json")
        margins = booster.predict(xgb.DMatrix(test), output_margin=True)
        margins.astype("<f4").tofile(f"{folder}/{name}.margins")
    else:
        import lightgbm as lgb

        params = dict(LIGHTGBM[name], objective="regression", num_threads=1, seed=5, deterministic=True, verbose=-1, learning_rate=0.05)
        rounds = params.pop("rounds")
        booster = lgb.train(params, lgb.Dataset(x, label=scores[:, 2]), rounds)
        booster.save_model(f"{folder}/{name}.txt")
        booster.predict(test.astype(np.float64), raw_score=True).astype("<f8").tofile(f"{folder}/{name}.margins")


def as_lightgbm(source, to):
    """The same trees as LightGBM writes them: x < t is x <= the float32 before t. Base scores are added to the first leaves."""
    model = json.load(open(source))["learner"]
    booster = model["gradient_booster"]["model"]
    groups = max(1, int(model["learner_model_param"]["num_class"]))
    base = float(model["learner_model_param"]["base_score"])
    if model["objective"]["name"] == "binary:logistic":
        base = -np.log(1 / base - 1)
    out = ["tree", "version=v4", f"num_class={groups}", f"num_tree_per_iteration={groups}", "label_index=0", f"max_feature_idx={FEATURES - 1}",
           "objective=" + ("regression" if groups == 1 else f"multiclass num_class:{groups}"),
           "feature_names=" + " ".join(f"f{i}" for i in range(FEATURES)), "feature_infos=" + " ".join(["[-1e+300:1e+300]"] * FEATURES),
           "tree_sizes=" + " ".join("1" for _ in booster["trees"]), ""]
    for number, tree in enumerate(booster["trees"]):
        left, right = tree["left_children"], tree["right_children"]
        values = np.array(tree["split_conditions"], dtype=np.float32)
        splits = [n for n in range(len(left)) if left[n] >= 0]
        leaves = [n for n in range(len(left)) if left[n] < 0]
        at = {n: i for i, n in enumerate(splits)} | {n: ~i for i, n in enumerate(leaves)}
        thresholds = np.nextafter(values, np.float32(-np.inf)).astype(np.float64)
        first = base if number < groups else 0
        field = lambda key, values: out.append(f"{key}=" + " ".join(str(v) for v in values))
        out.append(f"Tree={number}")
        field("num_leaves", [len(leaves)])
        field("num_cat", [0])
        field("split_feature", [tree["split_indices"][n] for n in splits])
        field("split_gain", [1] * len(splits))
        field("threshold", [repr(float(thresholds[n])) for n in splits])
        field("decision_type", [8 + 2 * int(tree["default_left"][n]) for n in splits])
        field("left_child", [at[left[n]] for n in splits])
        field("right_child", [at[right[n]] for n in splits])
        field("leaf_value", [repr(float(values[n]) + first) for n in leaves])
        field("shrinkage", [1])
        out += ["", ""]
    out += ["end of trees", "", "pandas_categorical:null", ""]
    open(to, "w").write("\n".join(out))


def text_bytes(path):
    return int(subprocess.run(["size", path], capture_output=True, text=True, check=True).stdout.splitlines()[1].split()[0])


def compile_lleaves(folder, name, told):
    import lleaves

    target = f"{folder}/{name}.lleaves.so"
    if os.path.exists(target):
        return
    source = f"{folder}/{name}.txt"
    if name in XGBOOST:
        source = f"{folder}/{name}.lightgbm.txt"
        as_lightgbm(f"{folder}/{name}.json", source)
    start = time.time()
    cache = f"{folder}/{name}.lleaves.o"
    lleaves.Model(source).compile(cache=cache, raw_score=True, use_fp64=name not in XGBOOST, froot_func_name="forest_root")
    subprocess.run(["gcc", "-shared", "-o", target, cache], check=True)
    told["lleaves"] = dict(seconds=time.time() - start, text=text_bytes(target))


def compile_tl2cgen(folder, name, told):
    import tl2cgen
    import treelite

    read = treelite.frontend.load_xgboost_model if name in XGBOOST else treelite.frontend.load_lightgbm_model
    model = read(f"{folder}/{name}.{'json' if name in XGBOOST else 'txt'}")
    rows = np.fromfile(f"{folder}/{name}.rows", "<f4").reshape(-1, FEATURES)
    for quantize, level in (0, "-O3"), (1, "-O3" if name == "a" else "-O1"):
        target = f"{folder}/{name}.tl2cgen{quantize}.so"
        if os.path.exists(target):
            continue
        start = time.time()
        sources = f"{folder}/{name}.tl2cgen{quantize}"
        annotation = f"{folder}/{name}.annotation.json"
        tl2cgen.annotate_branch(model, tl2cgen.DMatrix(rows), annotation, nthread=1)
        tl2cgen.generate_c_code(model, sources, params=dict(quantize=quantize, annotate_in=annotation, parallel_comp=0 if name == "a" else 64))
        files = sorted(f for f in os.listdir(sources) if f.endswith(".c"))
        for file in files:
            subprocess.run(["gcc", "-c", level, "-march=native", "-fPIC", "-w", file, "-o", file[:-2] + ".o"], cwd=sources, check=True)
        subprocess.run(["gcc", "-shared", "-o", target] + [f"{sources}/{file[:-2]}.o" for file in files] + ["-lm"], check=True)
        told[f"tl2cgen{quantize}"] = dict(seconds=time.time() - start, text=text_bytes(target), source=sum(os.path.getsize(f"{sources}/{f}") for f in files))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name in [*XGBOOST, *LIGHTGBM]:
        if not os.path.exists(f"{folder}/{name}.margins"):
            print("training", name, flush=True)
            train(folder, name)
    if "--peers" not in sys.argv:
        return
    for name in [*XGBOOST, *LIGHTGBM]:
        told = json.load(open(f"{folder}/{name}.peers.json")) if os.path.exists(f"{folder}/{name}.peers.json") else {}
        for make in compile_tl2cgen, compile_lleaves:
            try:
                print(make.__name__, name, flush=True)
                make(folder, name, told)
            except Exception as error:  # a peer that does not build is left out, and said to be
                print(f"{make.__name__} {name}: {error}", flush=True)
            json.dump(told, open(f"{folder}/{name}.peers.json", "w"))


main()
