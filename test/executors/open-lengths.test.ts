import { describe, expect, test } from "vitest";
import { type Tensor } from "../../src/ir/tensor.ts";
import { findCompilers } from "../../src/support/node/compilers.ts";
import { Executors } from "./executors.ts";
import { OPEN_CASES, openGraph } from "./open-cases.ts";
import { target } from "./targets.ts";

const hasCompiler = (await findCompilers()).length > 0 || process.env.CI === "true";

const plain = (tensors: readonly Tensor[]): unknown =>
  tensors.map(({ type, data }) => ({
    shape: type.shape,
    data: Array.from(data as ArrayLike<number | bigint>, (v) => (typeof v === "bigint" ? v : Number(v.toPrecision(4)) + 0)),
  }));

describe("tensors whose length only the data tell", () => {
  test.each(OPEN_CASES)("$name: kernels give what the graph means", { timeout: 60_000 }, async (one) => {
    const graph = openGraph(one);
    const executors = new Executors(graph);
    const wanted = plain(executors.interpretImported(one.inputs));
    executors.optimize();
    expect(plain(await executors.run("interpreter", one.inputs))).toEqual(wanted);
    expect(plain(await executors.runProgram(one.inputs, target("host")))).toEqual(wanted);
    expect(plain(await executors.run("wasm", one.inputs))).toEqual(wanted);
  });

  test.runIf(hasCompiler).each(OPEN_CASES)("$name: natively too", { timeout: 60_000 }, async (one) => {
    const executors = new Executors(openGraph(one), { flags: ["-O1"] });
    const wanted = plain(executors.interpretImported(one.inputs));
    expect(plain(await executors.run("native", one.inputs))).toEqual(wanted);
  });
});
