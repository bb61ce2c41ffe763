/**
 * Shapley values of trees, exact and linear in their nodes (Yu et al. 2022, "Linear TreeSHAP", by quadrature). If each feature takes
 * part with the chance t, a row comes to a node with the product over players of f = (1 - t) share + t takes; a player's value is
 * the integral over t of (takes - share) / f times the leaves' values times their products, a polynomial that the points of Gauss
 * and Legendre sum up exactly. Products go down a tree, sums of leaves go up; where a feature is asked once more, its player's last
 * factor is taken out again. Vectors hold points.
 */
import { treeContributions, coversOf } from "../../ir/ops/tree-contributions.ts";
import { expectedScores } from "../../ir/trees/covers.ts";
import { ensembleOf, floats } from "../../ir/trees/ensemble.ts";
import { I32, KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import { lanesOf } from "../../target/profile.ts";
import type { Buffer, Schedule } from "../schedule.ts";
import { gaussLegendre } from "./gauss.ts";
import { FLOAT_KINDS } from "./next-float.ts";
import { declareTests, rangeIn, rowColumns, testTables, type FloatElem } from "./tree-columns.ts";
import { gameGroups, gameTrees, type GameGroup } from "./tree-contribution-plan.ts";
import { plainTests } from "./tree-tests.ts";

const F64 = scalar("f64");
/** A share of 0 of a row that does not go there: whatever it is divided by, its product is 0. */
const LEAST = 1e-300;

export const treeContributionsSchedule: Schedule = {
  ops: [treeContributions],
  lower(op, context) {
    const [x, y] = [context.operand(op, "x")!, context.result(op)];
    const [rows, features] = x.layout.shape as [number, number];
    if (rows === 0) return;
    const elem = x.dtype as FloatElem;
    const [ensemble, covers] = [ensembleOf(op.attrs), coversOf(op.attrs)];
    const targets = ensemble.base.length;
    const width = features + 1;
    const tests = plainTests(ensemble, FLOAT_KINDS[elem], features);
    const { columns } = tests;
    const lanes = Math.max(1, lanesOf(context.target) / 2);
    const groups = gameGroups(gameTrees(ensemble, covers, tests), lanes);
    const b = new KernelBuilder(`treecontributions_${elem}_${ensemble.leafNodes.length}_${rows}x${features}x${targets}`, {
      lanes: lanesOf(context.target),
      mode: "exact",
      loc: op.loc,
    });
    const buffers: Record<string, Buffer> = { x: x.buffer, y: y.buffer };
    const table = (name: string, type: Elem, data: Int32Array | Float32Array | Float64Array, range?: readonly [number, number]): void => {
      b.param(name, type, data.length, "in", range);
      buffers[name] = context.weights(type, data);
    };
    const space = (name: string, type: Elem, size: number): void => {
      b.param(name, type, size, "inout");
      buffers[name] = context.scratch(type, size);
    };
    b.param("x", elem, x.layout.size, "in");
    b.param("y", y.layout.elem, y.layout.size, "out");
    space("row", elem, columns.count);
    // The last sums are those of splits that only fill a group.
    const sums = targets * width + 1;
    space("sums", "f64", sums * lanes);
    const expected = new Float64Array(targets * width);
    expectedScores(ensemble, covers).forEach((score, k) => (expected[k * width + features] = score));
    table("expected", "f64", expected);
    const tables = testTables(context, columns, ensemble, elem, 1);
    Object.assign(buffers, tables.buffers);
    const filled = rowColumns(b, columns, elem, { x: "x", columns: "row", firstRow: 0 });
    const computed = declareTests(b, columns, ensemble, tables, elem, 1, (element) => b.cursor("c", "row", element));
    const always = b.cursor("c", "row", columns.count - 1);
    const emitGroups = declareGroups(b, groups, { elem, lanes, width, sums, alwaysColumn: columns.count - 1, table, space });
    const [zero, sum, expectation, to] = [b.cursor("z", "sums"), b.cursor("s", "sums"), b.cursor("e", "expected"), b.cursor("y", "y")];
    b.store(always, 0, b.constant(scalar(elem), -1));
    b.loop("i", rows, { ...Object.fromEntries(filled.cursors.map((cursor) => [cursor, features])), [to]: targets * width }, () => {
      filled.emit();
      computed.emit();
      b.loop("z", sums, { [zero]: lanes }, () => b.store(zero, 0, b.constant(vector("f64", lanes), 0)));
      emitGroups();
      b.loop("k", targets * width, { [sum]: lanes, [expectation]: 1, [to]: 1 }, () => {
        let total = b.load(F64, expectation);
        for (let lane = 0; lane < lanes; lane++) total = b.add(total, b.load(F64, sum, lane));
        b.store(to, 0, b.convert(total, y.layout.elem));
      });
    });
    context.call(b.finish(), buffers);
  },
};

interface GroupContext {
  readonly elem: FloatElem;
  readonly lanes: number;
  /** Columns of the result, and sums a row. */
  readonly width: number;
  readonly sums: number;
  readonly alwaysColumn: number;
  readonly table: (name: string, type: Elem, data: Int32Array | Float32Array | Float64Array, range?: readonly [number, number]) => void;
  readonly space: (name: string, type: Elem, size: number) => void;
}

/** Declares tables and memory of all groups; gives the code that adds the values of a row's players to their sums. */
function declareGroups(b: KernelBuilder, groups: readonly GameGroup[], context: GroupContext): () => void {
  const { elem, lanes, width, sums, alwaysColumn, table, space } = context;
  if (groups.length === 0) return () => undefined;
  const most = (count: (group: GameGroup) => number): number => groups.reduce((n, group) => Math.max(n, count(group)), 0);
  const size = (2 * most(({ splits }) => splits) + 3) * most(({ points }) => points);
  for (const name of ["products", "factors", "gains", "below"]) space(name, "f64", size);
  space("takes", "f64", 2 * most(({ splits }) => splits) + 3);
  const lists = { nodes: [] as number[], same: [] as number[], columns: [] as number[], sums: [] as number[] };
  const numbers = { thresholds: [] as number[], shares: [] as number[], values: [] as number[], rules: [] as number[] };
  const firsts = groups.map(({ points, splits, trees }) => {
    const first = { split: lists.nodes.length, rule: numbers.rules.length };
    // Behind the nodes of a tree: the player of a feature that no split on the way asked, and the node of splits that only fill.
    const [nobody, nowhere] = [2 * splits + 1, 2 * splits + 2];
    for (const tree of trees) {
      const count = tree.nodes.length;
      for (let k = 0; k < splits; k++) {
        const isFilling = k >= count;
        lists.nodes.push(isFilling ? nowhere : tree.nodes[k]!);
        lists.same.push(isFilling || tree.same[k]! < 0 ? nobody : tree.same[k]!);
        lists.columns.push(isFilling ? alwaysColumn : tree.columns[k]!);
        lists.sums.push((isFilling ? sums - 1 : tree.target * width + tree.features[k]!) * lanes);
        numbers.thresholds.push(isFilling ? 0 : tree.thresholds[k]!);
        for (const child of [2 * k + 1, 2 * k + 2]) {
          numbers.shares.push(isFilling ? 1 : tree.shares[child]!);
          numbers.values.push(isFilling ? 0 : tree.values[child]!);
        }
      }
    }
    const rule = gaussLegendre(points);
    for (let at = 0; at < points; at += lanes)
      numbers.rules.push(
        ...rule.points.subarray(at, at + lanes),
        ...rule.points.subarray(at, at + lanes).map((t) => 1 - t),
        ...rule.weights.subarray(at, at + lanes),
      );
    return first;
  });
  for (const [name, list] of Object.entries(lists)) table(`${name}_of`, "i32", Int32Array.from(list), rangeIn(list));
  table("thresholds_of", elem, floats(elem, numbers.thresholds));
  for (const name of ["shares", "values", "rules"] as const) table(`${name}_of`, "f64", Float64Array.from(numbers[name]));
  const emits = groups.map((group, i) => declareGroup(b, group, firsts[i]!, elem, lanes));
  return () => emits.forEach((emit) => emit());
}

function declareGroup(
  b: KernelBuilder,
  { points, splits, trees }: GameGroup,
  first: { split: number; rule: number },
  elem: FloatElem,
  lanes: number,
): () => void {
  const type = vector("f64", lanes);
  const [one, zero] = [b.constant(type, 1), b.constant(type, 0)];
  const [nobody, nowhere] = [2 * splits + 1, 2 * splits + 2];
  const at = (name: string, node = 0): string => b.cursor(name[0]!, name, node * points);
  const special = {
    factors: at("factors", nobody),
    gains: at("gains", nobody),
    products: at("products", nowhere),
    below: at("below", nowhere),
    root: at("products"),
  };
  const [nobodyTakes, rootBelow] = [b.cursor("t", "takes", nobody), at("below")];
  const down = splitCursors(b, first.split, ["nodes", "same", "columns", "thresholds"]);
  const [shares, values] = [b.cursor("s", "shares_of", 2 * first.split), b.cursor("v", "values_of", 2 * first.split)];
  const up = splitCursors(b, first.split, ["nodes", "same", "sums"], splits - 1);
  const [row, takes, childTakes] = [b.cursor("c", "row"), b.cursor("t", "takes"), b.cursor("t", "takes", 1)];
  const rule = b.cursor("q", "rules_of", first.rule);
  const known = { products: at("products"), factors: at("factors"), gains: at("gains"), below: at("below"), sums: b.cursor("s", "sums") };
  const child = { products: at("products", 1), factors: at("factors", 1), gains: at("gains", 1), below: at("below", 1) };
  const last = { gains: at("gains", 2 * splits - 1), below: at("below", 2 * splits - 1) };
  const chunks = points / lanes;
  const chunked = (cursors: readonly string[], body: () => void, rules = false): void =>
    b.loop("q", chunks, { ...Object.fromEntries(cursors.map((cursor) => [cursor, lanes])), ...(rules ? { [rule]: 3 * lanes } : {}) }, body);
  const place = (node: Term): Term => (points === 1 ? node : b.let("a", b.mul(node, b.constant(I32, points))));

  const goDown = (): void => {
    const [node, same] = [place(b.load(I32, down["nodes"]!)), b.let("n", b.load(I32, down["same"]!))];
    const samePlace = place(same);
    const holds = b.compare("lt", b.load(scalar(elem), row, 0, b.load(I32, down["columns"]!)), b.load(scalar(elem), down["thresholds"]!));
    const before = b.let("o", b.load(F64, takes, 0, same));
    const nothing = b.constant(F64, 0);
    const took = b.let("o", b.select(holds, before, nothing));
    const sides = [took, b.let("o", b.sub(before, took))].map((own, side) => {
      b.store(childTakes, side, own);
      return {
        side,
        own: b.let("o", b.splatScalar(own, lanes)),
        share: b.let("z", b.splat(type, shares, side)),
        value: b.let("v", b.splat(type, values, side)),
      };
    });
    chunked(
      [known.products, known.factors, ...Object.values(child)],
      () => {
        const [t, rest, weight] = [0, 1, 2].map((i) => b.let("t", b.load(type, rule, i * lanes))) as [Term, Term, Term];
        const product = b.let("p", b.mul(b.load(type, known.products, 0, node), b.load(type, known.factors, 0, samePlace)));
        for (const { side, own, share, value } of sides) {
          const factor = b.let("f", b.add(b.mul(rest, share), b.mul(t, own)));
          const inverse = b.let("i", b.div(one, b.pmax(factor, b.constant(type, LEAST))));
          const here = b.let("p", b.mul(product, factor));
          const offset = side * points;
          b.store(child.products, offset, here);
          b.store(child.factors, offset, inverse);
          b.store(child.gains, offset, b.mul(b.sub(own, share), inverse));
          b.store(child.below, offset, b.mul(b.mul(here, weight), value));
        }
      },
      true,
    );
  };
  const goUp = (): void => {
    const [node, same] = [place(b.load(I32, up["nodes"]!)), place(b.load(I32, up["same"]!))];
    const sum = b.let("s", b.load(I32, up["sums"]!));
    const total = b.let("g", b.load(type, known.sums, 0, sum));
    chunked([known.below, known.gains, last.below, last.gains], () => {
      const before = b.let("g", b.load(type, known.gains, 0, same));
      const [left, right] = [0, 1].map((side) => b.let("b", b.load(type, last.below, side * points))) as [Term, Term];
      const gain = (side: number): Term => b.sub(b.load(type, last.gains, side * points), before);
      b.set(total, b.add(total, b.add(b.mul(left, gain(0)), b.mul(right, gain(1)))));
      b.store(known.below, 0, b.add(b.load(type, known.below, 0, node), b.add(left, right)), node);
    });
    b.store(known.sums, 0, total, sum);
  };
  return () => {
    chunked(Object.values(special), () => {
      for (const cursor of [special.factors, special.products, special.root]) b.store(cursor, 0, one);
      for (const cursor of [special.gains, special.below]) b.store(cursor, 0, zero);
    });
    b.store(nobodyTakes, 0, b.constant(F64, 1));
    const perTree = [...Object.values(down), ...Object.values(up)];
    b.loop("t", trees.length, { ...Object.fromEntries(perTree.map((cursor) => [cursor, splits])), [shares]: 2 * splits, [values]: 2 * splits }, () => {
      chunked([rootBelow], () => b.store(rootBelow, 0, zero));
      const forward = { ...Object.fromEntries(Object.values(down).map((cursor) => [cursor, 1])), [shares]: 2, [values]: 2, [childTakes]: 2 };
      b.loop("k", splits, { ...forward, ...Object.fromEntries(Object.values(child).map((cursor) => [cursor, 2 * points])) }, goDown);
      const back = Object.fromEntries(Object.values(up).map((cursor) => [cursor, -1]));
      b.loop("k", splits, { ...back, [last.below]: -2 * points, [last.gains]: -2 * points }, goUp);
    });
  };
}

function splitCursors(b: KernelBuilder, first: number, names: readonly string[], offset = 0): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, b.cursor(name[0]!, `${name}_of`, first + offset)]));
}
