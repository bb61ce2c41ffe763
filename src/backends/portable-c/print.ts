import type { Graph, Op, Value } from "../../ir/graph.ts";
import { ensembleOf } from "../../ir/trees/ensemble.ts";
import { elementCount } from "../../ir/types.ts";
import { commentText } from "../c/kernel.ts";
import { identifier } from "../c/names.ts";
import { constantOf, rowOpLines, VALUE_TYPES } from "./row-ops.ts";
import { treeCode } from "./tree-code.ts";

export interface PortableC {
  /** Names of the two files without extension, and in front of all that they define. */
  readonly name: string;
  readonly source: string;
  readonly header: string;
}

/**
 * A graph over one row, decision trees and what an objective does to their sums, as C99 that any compiler takes: tables and a small
 * walk, no allocation, no library but `exp` and `log` of math.h where an objective wants them. Undefined for any other graph.
 */
export function printPortableC(graph: Graph, modelName: string): PortableC | undefined {
  const name = identifier(modelName.replace(/[^A-Za-z0-9_]/g, "_")) || "model";
  const [x] = graph.params;
  if (graph.params.length !== 1 || !x || x.type.shape.length !== 2 || x.type.shape[0] !== 1 || !/^f(32|64)$/.test(x.type.dtype)) return undefined;
  const features = x.type.shape[1] as number;
  const rowType = VALUE_TYPES[x.type.dtype]!;
  const names = new Map<Value, string>([[x, "row"]]);
  const aliases = new Map<Value, Value>();
  const trees: string[] = [];
  const lines = new Map<Op, readonly string[]>();
  let needsMath = false;
  for (const op of graph.ops) {
    if (op.name === "return" || op.name === "constant") continue;
    const to = `v${names.size}`;
    // In memory nothing changes.
    if (op.name === "reshape" && names.has(op.operands[0]!) && op.operands[0] !== x) {
      names.set(op.result, names.get(op.operands[0]!)!);
      aliases.set(op.result, aliases.get(op.operands[0]!) ?? op.operands[0]!);
      continue;
    }
    if (op.results.length !== 1 || !VALUE_TYPES[op.result.type.dtype]) return undefined;
    names.set(op.result, to);
    if (op.name === "trees") {
      const { output, aggregate, baseLast } = op.attrs as { output: "scores" | "leaves"; aggregate: "sum" | "average" | "min" | "max"; baseLast: boolean };
      if (op.operands[0] !== x || aggregate === "min" || aggregate === "max") return undefined;
      const prefix = `${name}_t${trees.length}_`;
      trees.push(treeCode(prefix, ensembleOf(op.attrs), x.type.dtype as "f32", output, aggregate, baseLast));
      lines.set(op, [`  ${prefix}run(row, ${to});`]);
      continue;
    }
    const made = rowOpLines(op, to, (value) => names.get(value)!);
    if (!made) return undefined;
    needsMath ||= made.needsMath;
    lines.set(op, made.lines);
  }
  if (trees.length === 0) return undefined;
  const functions = graph.outputs.map((value, i) => outputFunction(name, graph.terminator.attrs["names"] as readonly string[] | undefined, value, i));
  if (functions.some((made) => !made)) return undefined;
  const made = functions.map((output) => output!);
  const math = needsMath || trees.some((text) => /INFINITY|\bNAN\b/.test(text));
  const about = `${commentText(modelName)} as plain C. Made by neo.`;
  const source = [
    `/* ${about} Data and a small walk: cc -std=c99 -O2 -ffp-contract=off -c ${name}.c */`,
    `#include "${name}.h"`,
    ...(math ? ["", "#include <math.h>"] : []),
    "",
    ...trees,
    ...made.map(({ code }) => code),
  ].join("\n");
  const guard = `${name.toUpperCase()}_H`;
  const header = `/* ${about}

   A row is ${features} features of ${rowType}, in the order of training; a missing value is NAN. Nothing is allocated or kept: calls may go
   on side by side. Functions give 0, or 1 where a pointer is NULL. */
#ifndef ${guard}
#define ${guard}

#include <stddef.h>
#include <stdint.h>

/* Elements of a row, and of what each function gives for one. */
#define ${name.toUpperCase()}_FEATURES ${features}
${made.map(({ macro }) => macro).join("\n")}

#ifdef __cplusplus
extern "C" {
#endif

${made.map(({ prototypes }) => prototypes).join("\n")}
#ifdef __cplusplus
}
#endif

#endif
`;
  return { name, source, header };

  function outputFunction(stem: string, outputNames: readonly string[] | undefined, output: Value, i: number): Printed | undefined {
    const value = aliases.get(output) ?? output;
    const type = VALUE_TYPES[value.type.dtype];
    if (!type || !names.has(value) || constantOf(value) || value === x) return undefined;
    const label = identifier((outputNames?.[i] ?? output.name) || `output${i}`);
    const [size, macro] = [elementCount(value.type.shape as number[]), `${stem}_${label}`.toUpperCase()];
    const needed = opsOf(value);
    const isDirect = needed.length === 1 && value.producer!.name === "trees";
    const declared = needed.map((op) => `  ${VALUE_TYPES[op.result.type.dtype]!} ${names.get(op.result)!}[${elementCount(op.result.type.shape as number[])}];`);
    const body = needed.flatMap((op) => lines.get(op)!);
    const one = `int ${stem}_${label}(const ${rowType} *row, ${type} *out)`;
    const many = `int ${stem}_${label}_rows(const ${rowType} *rows, size_t count, ${type} *out)`;
    return {
      macro: `#define ${macro}_SIZE ${size}`,
      prototypes: `/* ${label} of one row: ${size} x ${type} to out. */\n${one};\n/* Of count rows that lie behind each other. */\n${many};\n`,
      code: [
        `${one} {`,
        ...(isDirect ? [] : [...declared, "  int i;"]),
        "  if (row == NULL || out == NULL) return 1;",
        ...(isDirect ? body.map((line) => line.replace(`, ${names.get(value)!})`, ", out)")) : body),
        ...(isDirect ? [] : [`  for (i = 0; i < ${size}; i++) out[i] = ${names.get(value)!}[i];`]),
        "  return 0;",
        "}",
        "",
        `${many} {`,
        "  size_t i;",
        "  if (rows == NULL || out == NULL) return 1;",
        `  for (i = 0; i < count; i++) (void)${stem}_${label}(rows + i * ${features}, out + i * ${size});`,
        "  return 0;",
        "}",
        "",
      ].join("\n"),
    };
  }

  /** Ops that a value hangs on, in order. */
  function opsOf(value: Value): readonly Op[] {
    const needed = new Set<Op>();
    const visit = (given: Value | undefined): void => {
      const from = given && (aliases.get(given) ?? given);
      if (!from?.producer || needed.has(from.producer) || from.producer.name === "constant") return;
      needed.add(from.producer);
      from.producer.operands.forEach(visit);
    };
    visit(value);
    return graph.ops.filter((op) => needed.has(op));
  }
}

interface Printed {
  readonly macro: string;
  readonly prototypes: string;
  readonly code: string;
}
