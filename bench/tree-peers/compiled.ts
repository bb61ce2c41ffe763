import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { lower } from "../../src/backends/lower.ts";
import { printC } from "../../src/backends/c/print.ts";
import { WeightPool } from "../../src/backends/weight-pool.ts";
import { optimize } from "../../src/compile.ts";
import { importModel } from "../../src/frontends/index.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { trees } from "../../src/ir/ops/trees.ts";
import { ensembleOf, type TreeEnsemble } from "../../src/ir/trees/ensemble.ts";
import type { Program } from "../../src/kernel/program.ts";
import { compileC } from "../../src/support/node/toolchain.ts";
import type { TargetProfile } from "../../src/target/profile.ts";

/** A trained model as `prepare.py` left it. */
export interface TreeModel {
  readonly name: string;
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** The model's raw scores over so many rows. */
export function graphOf({ file, bytes }: TreeModel, rows: number): Graph {
  const graph = importModel(bytes, { fileName: file, outputKinds: [file.endsWith(".txt") ? "raw" : "margin"], shapes: { x: [rows, 50] } });
  optimize(graph);
  return graph;
}

export function ensembleIn(graph: Graph): TreeEnsemble {
  return ensembleOf(graph.ops.find((op) => op.def === trees)!.attrs);
}

export interface CompiledTrees {
  readonly program: Program;
  readonly weights: string;
  readonly object: string;
  readonly weightBytes: number;
  readonly objectBytes: Uint8Array;
  readonly sourceBytes: number;
  readonly milliseconds: number;
}

/** Compiles for so many rows; weights and code go to files. */
export async function compileTrees(model: TreeModel, rows: number, target: TargetProfile, folder: string): Promise<CompiledTrees> {
  const start = performance.now();
  const pool = new WeightPool();
  const { program } = lower(graphOf(model, rows), target, pool);
  const { sources, headers } = printC(program, target);
  const { bytes: objectBytes } = await compileC(sources, target, { headers });
  const milliseconds = performance.now() - start;
  const stem = join(folder, `${model.name}.${rows}.${target.name}`);
  const [weights, object] = [`${stem}.weights`, `${stem}.so`];
  writeFileSync(weights, pool.bytes());
  writeFileSync(object, objectBytes);
  const sourceBytes = sources.reduce((sum, { text }) => sum + text.length, 0);
  return { program, weights, object, weightBytes: pool.bytes().length, objectBytes, sourceBytes, milliseconds };
}
