import { expect, test } from "vitest";
import { Builder } from "../../src/ir/builder.ts";
import { Graph, Value } from "../../src/ir/graph.ts";
import { exp, log } from "../../src/ir/ops/arithmetic.ts";
import { returnOp } from "../../src/ir/ops/control.ts";
import { tensor } from "../../src/ir/tensor.ts";
import { tensorType } from "../../src/ir/types.ts";
import { scalar, KernelBuilder } from "../../src/kernel/build.ts";
import { expDouble, logDouble, sigmoidDouble, softplusDouble } from "../../src/kernel/expand-double.ts";
import type { Expansion } from "../../src/kernel/expand.ts";
import { interpretKernel } from "../../src/kernel/interpret-kernel.ts";
import { verifyKernel } from "../../src/kernel/verify-kernel.ts";
import { nativeTest } from "../backends/host-compilers.ts";
import { Executors } from "../executors/executors.ts";
import { randomUnits } from "./random.ts";

function mapKernel(f: Expansion, size: number): ReturnType<KernelBuilder["finish"]> {
  const k = new KernelBuilder("map", { lanes: 4, mode: "fast" });
  const [x, y] = [k.param("x", "f64", size, "in"), k.param("y", "f64", size, "out")];
  const [from, to] = [k.cursor("i", x), k.cursor("o", y)];
  k.loop("at", size, { [from]: 1, [to]: 1 }, () => k.store(to, 0, f(k, k.let("v", k.load(scalar("f64"), from)))));
  return k.finish();
}

function evaluate(f: Expansion, xs: readonly number[]): Float64Array {
  const y = new Float64Array(xs.length);
  interpretKernel(mapKernel(f, xs.length), { x: Float64Array.from(xs), y }, { fused: false });
  return y;
}

/** Distance in units of the last place of `want`, where that is finite and not 0. */
function ulps(got: number, want: number): number {
  if (Object.is(got, want)) return 0;
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(want))));
  return Math.abs(got - want) / 2 ** (exponent - 52);
}

const units = randomUnits(12_000, 4);
const EXP = [...units.map((u) => (u - 0.5) * 1490), ...units.map((u) => (u - 0.5) * 2), ...units.map((u) => (u - 0.5) * 1e-8), 0, -0, 709.78, -745.1, -708.5];
const LOG = [
  ...units.map((u) => u * 3),
  ...units.map((u) => 2 ** ((u - 0.5) * 2100)),
  ...units.map((u) => 1 + (u - 0.5) * 1e-6),
  5e-324,
  1,
  1.7976931348623157e308,
];

test.each([
  ["exp", expDouble, Math.exp, EXP],
  ["log", logDouble, Math.log, LOG],
] as const)("%s is within two ulp of its value everywhere", (_name, f, want, xs) => {
  const got = evaluate(f, xs);
  const far = xs.flatMap((x, i) => (ulps(got[i]!, want(x)) <= 2 ? [] : [{ x, got: got[i], want: want(x) }]));
  expect(far.slice(0, 5)).toEqual([]);
});

test("sigmoid and softplus keep their digits on both sides of 0", () => {
  const xs = EXP.filter((x) => Math.abs(x) < 700);
  const [gates, soft] = [evaluate(sigmoidDouble, xs), evaluate(softplusDouble, xs)];
  const far = xs.flatMap((x, i) => {
    const [gate, sum] = [1 / (1 + Math.exp(-x)), Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))];
    return ulps(gates[i]!, gate) <= 4 && ulps(soft[i]!, sum) <= 5 ? [] : [{ x, gate: gates[i], soft: soft[i] }];
  });
  expect(far.slice(0, 5)).toEqual([]);
  expect([...evaluate(softplusDouble, [Infinity, -Infinity, NaN, 1e300, -1e300])]).toEqual([Infinity, 0, NaN, 1e300, 0]);
  expect([...evaluate(sigmoidDouble, [Infinity, -Infinity, NaN, 0])]).toEqual([1, 0, NaN, 0.5]);
});

test("special values", () => {
  expect([...evaluate(expDouble, [Infinity, -Infinity, NaN, 710, 1e300, -746, -1e300])]).toEqual([Infinity, 0, NaN, Infinity, Infinity, 0, 0]);
  expect([...evaluate(logDouble, [Infinity, -Infinity, NaN, 0, -0, -1])]).toEqual([Infinity, NaN, NaN, -Infinity, -Infinity, NaN]);
});

test("the verifier proves what they do", () => {
  for (const f of [expDouble, logDouble, sigmoidDouble, softplusDouble]) expect(verifyKernel(mapKernel(f, 8))).toEqual([]);
});

nativeTest.each(["native", "wasm"] as const)("graphs of f64 get them as %s", async (executor) => {
  const x = [...EXP.slice(0, 50), ...EXP.slice(-5), 710, NaN, ...LOG.slice(12_000, 12_050)];
  const graph = new Graph("main", [new Value(tensorType("f64", [x.length]), "x")]);
  const b = new Builder(graph.ops);
  const [from] = graph.params;
  b.createAll(returnOp, { values: [b.create(exp, { x: from! }), b.create(log, { x: from! })] }, { names: ["e", "l"] });
  const [e, l] = await new Executors(graph).run(executor, [tensor("f64", [x.length], x)]);
  x.forEach((value, i) => {
    expect(ulps(e!.data[i] as number, Math.exp(value)), `exp ${value}`).toBeLessThanOrEqual(2);
    expect(ulps(l!.data[i] as number, Math.log(value)), `log ${value}`).toBeLessThanOrEqual(2);
  });
});
