import { describeModel } from "../../src/frontends/index.ts";
import type { SetResult } from "./case.ts";
import type { DataSet } from "./suite.ts";

/** What the data sets show of one operator: those that pass on every executor that ran, of all that have it. */
export interface OperatorCoverage {
  readonly passed: number;
  readonly all: number;
  /** Versions of the operator's domain, and element types of inputs and outputs, of the models that pass. */
  readonly opsets: readonly number[];
  readonly dtypes: readonly string[];
}

/** By operator, with its domain where that is not the default one. Function bodies, written out, don't count. */
export function coverageOf(sets: readonly DataSet[], results: readonly SetResult[]): Readonly<Record<string, OperatorCoverage>> {
  const found = new Map<string, { passed: number; all: number; opsets: Set<number>; dtypes: Set<string> }>();
  sets.forEach((set, i) => {
    if (set.name.includes("_expanded")) return;
    const { opCounts, version, inputs, outputs } = describeModel(set.model(), set.name);
    const ok = results[i]!.runs.every((run) => run.ok);
    for (const operator of Object.keys(opCounts)) {
      const entry = found.get(operator) ?? { passed: 0, all: 0, opsets: new Set(), dtypes: new Set() };
      found.set(operator, entry);
      entry.all++;
      if (!ok) continue;
      entry.passed++;
      const opset = version.opset[operator.includes("::") ? operator.split("::")[0]! : "ai.onnx"];
      if (opset !== undefined) entry.opsets.add(opset);
      for (const { elementType } of [...inputs, ...outputs]) entry.dtypes.add(elementType);
    }
  });
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([operator, { passed, all, opsets, dtypes }]) => [
      operator,
      { passed, all, opsets: [...opsets].sort((a, b) => a - b), dtypes: [...dtypes].sort() },
    ]),
  );
}
