import { comparisonOf, dtypeOf, isMember, MODE, treeCount, ZERO_THRESHOLD, type Comparison, type TreeEnsemble } from "../../ir/trees/ensemble.ts";
import { floatTable, floatText, signedTable, wholeTable, type CTable } from "./c-table.ts";
import { treeShapes } from "./tree-shapes.ts";

const C_TYPES = { f32: "float", f64: "double" } as const;

/** What leaves add: one number to one target a tree, a number to each target, or a list of entries a leaf. */
type LeafKind = "single" | "vector" | "entries";

/** Tables and functions of an ensemble; `p` is in front of every name. Rows are of `x`. */
export function treeCode(
  p: string,
  ensemble: TreeEnsemble,
  x: "f32" | "f64",
  result: "scores" | "leaves",
  aggregate: "sum" | "average",
  baseLast: boolean,
): string {
  const { features, modes, thresholds, weights, entries, targets, base, leafNodes, sets, setWords } = ensemble;
  const shapes = treeShapes(ensemble);
  const { distinct } = shapes;
  const kind = leafKind(ensemble);
  const [rowType, sumType, thresholdType] = [C_TYPES[x], C_TYPES[dtypeOf(weights)], C_TYPES[dtypeOf(thresholds)]];
  const groups = base.length;
  const tables: CTable[] = [];
  const table = (made: CTable): string => {
    tables.push(made);
    return made.type;
  };
  const pick = (values: ArrayLike<number>): number[] => distinct.map((split) => values[split]!);
  table(wholeTable(`${p}feature`, pick(features)));
  table(floatTable(`${p}threshold`, thresholdType, pick(thresholds)));
  const modesUsed = [...new Set(pick(modes))].sort((a, b) => a - b);
  if (modesUsed.length > 1) table(wholeTable(`${p}mode`, pick(modes)));
  if (modesUsed.some((mode) => isMember(comparisonOf(mode)))) {
    table(wholeTable(`${p}set`, sets));
    table(wholeTable(`${p}bits`, setWords));
  }
  const testType = table(wholeTable(`${p}test`, shapes.tests));
  table(wholeTable(`${p}skip`, shapes.skips));
  table(wholeTable(`${p}size`, shapes.sizes));
  const leaves = Array.from(shapes.leaves);
  if (result === "leaves")
    table(
      signedTable(
        `${p}name`,
        leaves.map((leaf) => leafNodes[leaf]!),
      ),
    );
  else {
    const ordered = leaves.flatMap((leaf) => Array.from({ length: entries[leaf + 1]! - entries[leaf]! }, (_, i) => entries[leaf]! + i));
    table(
      floatTable(
        `${p}leaf`,
        sumType,
        ordered.map((entry) => weights[entry]!),
      ),
    );
    table(floatTable(`${p}base`, sumType, base));
    if (kind === "single" && groups > 1)
      table(
        wholeTable(
          `${p}group`,
          Array.from(ensemble.leaves.subarray(0, -1), (leaf) => targets[entries[leaf]!]!),
        ),
      );
    if (kind === "entries") {
      let end = 0;
      table(wholeTable(`${p}entry`, [0, ...leaves.map((leaf) => (end += entries[leaf + 1]! - entries[leaf]!))]));
      table(
        wholeTable(
          `${p}target`,
          ordered.map((entry) => targets[entry]!),
        ),
      );
    }
  }
  const goesLeft = leftFunction(p, modesUsed, rowType, thresholdType, testType);
  const walk = [
    "  uint32_t node = 0, leaf = 0;",
    "  int tree;",
    ...(result === "scores" ? ["  int k;", `  for (k = 0; k < ${groups}; k++) out[k] = ${aggregate === "sum" && !baseLast ? `${p}base[k]` : "0"};`] : []),
    `  for (tree = 0; tree < ${treeCount(ensemble)}; tree++) {`,
    `    const uint32_t end = node + ${p}size[tree], last = leaf + ${p}size[tree] + 1;`,
    "    uint32_t left = end - node;",
    "    while (left > 0) {",
    `      const uint32_t skip = ${p}skip[node];`,
    `      if (${p}left(row, ${p}test[node])) {`,
    "        node += 1;",
    "        left = skip;",
    "      } else {",
    "        node += skip + 1;",
    "        leaf += skip + 1;",
    "        left -= skip + 1;",
    "      }",
    "    }",
    ...leafLines(p, result, kind, groups, sumType),
    "    node = end;",
    "    leaf = last;",
    "  }",
    ...(result === "scores" && aggregate === "average"
      ? [`  for (k = 0; k < ${groups}; k++) out[k] = (${sumType})((${sumType})(out[k] / ${treeCount(ensemble)}) + ${p}base[k]);`]
      : []),
    ...(result === "scores" && aggregate === "sum" && baseLast ? [`  for (k = 0; k < ${groups}; k++) out[k] = (${sumType})(out[k] + ${p}base[k]);`] : []),
  ];
  const out = result === "leaves" ? "int32_t" : sumType;
  return [...tables.map(({ text }) => text), "", goesLeft, `static void ${p}run(const ${rowType} *row, ${out} *out) {\n${walk.join("\n")}\n}`, ""].join("\n");
}

function leafLines(p: string, result: "scores" | "leaves", kind: LeafKind, groups: number, type: string): string[] {
  if (result === "leaves") return [`    out[tree] = ${p}name[leaf];`];
  if (kind === "single") {
    const target = groups > 1 ? `${p}group[tree]` : "0";
    return [`    out[${target}] = (${type})(out[${target}] + ${p}leaf[leaf]);`];
  }
  if (kind === "vector") return [`    for (k = 0; k < ${groups}; k++) out[k] = (${type})(out[k] + ${p}leaf[leaf * ${groups} + (uint32_t)k]);`];
  return [
    "    {",
    "      uint32_t entry;",
    `      for (entry = ${p}entry[leaf]; entry < ${p}entry[leaf + 1]; entry++)`,
    `        out[${p}target[entry]] = (${type})(out[${p}target[entry]] + ${p}leaf[entry]);`,
    "    }",
  ];
}

function leafKind({ entries, targets, leaves, base }: TreeEnsemble): LeafKind {
  const count = entries.length - 1;
  const each = (test: (leaf: number) => boolean): boolean => Array.from({ length: count }, (_, leaf) => leaf).every(test);
  const trees = Array.from(leaves.subarray(0, -1)).flatMap((first, tree) => new Array<number>(leaves[tree + 1]! - first).fill(first));
  if (each((leaf) => entries[leaf + 1]! - entries[leaf]! === 1 && targets[entries[leaf]!] === targets[entries[trees[leaf]!]!])) return "single";
  const all = base.length;
  const isWhole = (leaf: number): boolean =>
    entries[leaf + 1]! - entries[leaf]! === all && Array.from({ length: all }, (_, k) => targets[entries[leaf]! + k] === k).every(Boolean);
  return each(isWhole) ? "vector" : "entries";
}

/** Whether a row goes left by a test: only what occurs in the model is there. */
function leftFunction(p: string, modes: readonly number[], row: string, threshold: string, test: string): string {
  const [all] = modes;
  // Trees of nothing but leaves ask nothing; what stands there is never called.
  const comparisons = [...new Set(modes.length > 0 ? modes.map((mode) => comparisonOf(mode)) : (["lt"] as const))];
  const flag = (bit: number): string | undefined => {
    const set = modes.filter((mode) => mode & bit).length;
    return set === 0 ? undefined : set === modes.length ? "1" : `(${p}mode[test] & ${bit}) != 0`;
  };
  const zero = flag(MODE.zeroIsMissing);
  const near = zero && `(${zero === "1" ? "" : `${zero} && `}x <= ${floatText("double", ZERO_THRESHOLD)} && x >= -${floatText("double", ZERO_THRESHOLD)})`;
  const lines = [
    `  const ${row} x = row[${p}feature[test]];`,
    ...(comparisons.every(isMember) ? [] : [`  const ${threshold} t = ${p}threshold[test];`]),
    `  if (x != x${near ? ` || ${near}` : ""}) return ${flag(MODE.defaultLeft) ?? "0"};`,
    ...(comparisons.length === 1
      ? comparisonLines(p, comparisonOf(all ?? 0)).map((line) => `  ${line}`)
      : [
          `  switch (${p}mode[test] & ${MODE.comparison}) {`,
          ...comparisons.flatMap((comparison) => [
            `    case ${modes.map((mode) => mode & MODE.comparison).find((mode) => comparisonOf(mode) === comparison)}:`,
            ...comparisonLines(p, comparison).map((line) => `      ${line}`),
          ]),
          "    default:",
          "      return 0;",
          "  }",
        ]),
  ];
  const members = comparisons.some(isMember)
    ? [
        `static int ${p}holds(double x, uint32_t set) {`,
        `  const double end = 32.0 * (double)(${p}set[set + 1] - ${p}set[set]);`,
        "  uint32_t number;",
        "  if (!(x >= 0 && x < end)) return 0;",
        "  number = (uint32_t)x;",
        `  return (double)number == x && ((uint32_t)${p}bits[${p}set[set] + number / 32] >> (number % 32) & 1u) != 0;`,
        "}",
        "",
      ]
    : [];
  return [...members, `static int ${p}left(const ${row} *row, ${test} test) {`, ...lines, "}", ""].join("\n");
}

function comparisonLines(p: string, comparison: Comparison): string[] {
  const set = `(uint32_t)${p}threshold[test]`;
  switch (comparison) {
    case "lt":
      return ["return x < t;"];
    case "le":
      return ["return x <= t;"];
    case "gt":
      return ["return x > t;"];
    case "ge":
      return ["return x >= t;"];
    case "eq":
      return ["return x == t;"];
    case "ne":
      return ["return x != t;"];
    case "member":
      return [`return ${p}holds((double)x, ${set});`];
    // Numbers beyond 2^32 are in no set.
    case "memberTrunc":
      return [`return x > -1 && x < 4294967295.0 && ${p}holds((double)(uint32_t)(x < 0 ? 0 : x), ${set});`];
    case "memberFloor":
      return [`return x >= 0 && x < 4294967295.0 && ${p}holds((double)(uint32_t)x, ${set});`];
  }
}
