import { expect, test } from "vitest";
import { randomTensor } from "../../../src/ir/sample.ts";
import { Executors, type Executor } from "../../executors/executors.ts";
import { denseNetwork } from "./network.ts";

test.each(["native", "wasm"] satisfies Executor[])("a network of every dense op gives on %s what it means", async (executor) => {
  const input = randomTensor({ dtype: "f32", shape: [1, 3, 21, 19] }, 99, [-1, 1]);
  const executors = new Executors(denseNetwork());
  const want = executors.interpretImported([input]);
  const got = await executors.run(executor, [input]);
  want.forEach((tensor, i) => {
    const [wanted, found] = [tensor.data as Float32Array, got[i]!.data as Float32Array];
    const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const worst = wanted.reduce((most, x, at) => Math.max(most, Math.abs(x - found[at]!)), 0);
    expect(worst / largest).toBeLessThan(1e-5);
  });
});
