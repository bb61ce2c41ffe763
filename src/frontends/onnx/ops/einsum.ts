import type { Dim } from "../../../ir/types.ts";
import { countOf, equalDims } from "../../../ir/dims.ts";
import { shapeText } from "../../../ir/broadcast.ts";
import { matmul } from "../../../ir/ops/linear.ts";
import { mul } from "../../../ir/ops/arithmetic.ts";
import { slice } from "../../../ir/ops/movement.ts";
import { reduce } from "../../../ir/ops/reduction.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { broadcastTo, reshapeTo, transposeBy } from "../rearrange.ts";
import { rankOf, shapeOf } from "../static-shape.ts";
import { since, type OperatorTable } from "./table.ts";

export const EINSUM: OperatorTable = { Einsum: since(12, importEinsum) };

/** A tensor whose axes have labels: letters of the equation, and "0", "1", … for those of an ellipsis, counted from its end. */
interface Term {
  readonly value: Value;
  readonly labels: readonly string[];
}

/** Operands are multiplied from the left, each product a batched matmul that sums what nobody needs any more. */
function importEinsum(c: NodeContext): Value {
  const [left, right] = c.required("equation", c.text("equation")).replaceAll(" ", "").split("->");
  const inputs = left!.split(",");
  if (inputs.length !== c.operands.length) c.fail(`has an equation of ${inputs.length} terms for ${c.operands.length} inputs`);
  const terms = inputs.map((text, i) => diagonal(c, { value: c.need(i, `Inputs[${i}]`), labels: labelsOf(c, text, rankOf(c.need(i, `Inputs[${i}]`))) }));
  const wanted = right === undefined ? impliedOutput(terms) : outputLabels(c, right, terms);
  let [result, ...rest] = terms as [Term, ...Term[]];
  while (rest.length > 0) {
    const [next, ...later] = rest as [Term, ...Term[]];
    const needed = new Set([...wanted, ...later.flatMap((term) => term.labels)]);
    result = multiplied(c, result, next, needed);
    rest = later;
  }
  return ordered(c, summed(c, result, new Set(wanted)), wanted).value;
}

function labelsOf(c: NodeContext, text: string, rank: number): readonly string[] {
  const [before, behind, ...more] = text.split("...");
  const letters = [...(before ?? ""), ...(behind ?? "")];
  const hidden = rank - letters.length;
  if (more.length > 0 || letters.some((letter) => !/[A-Za-z]/.test(letter)) || (behind === undefined ? hidden !== 0 : hidden < 0))
    c.fail(`has the term "${text}" for a tensor of rank ${rank}`);
  return [...(before ?? ""), ...Array.from({ length: hidden }, (_, i) => String(hidden - 1 - i)), ...(behind ?? "")];
}

function outputLabels(c: NodeContext, text: string, terms: readonly Term[]): readonly string[] {
  const ellipsis = ellipsisOf(terms);
  const labels = text.includes("...") ? labelsOf(c, text, text.length - 3 + ellipsis.length) : labelsOf(c, text, text.length);
  const known = new Set(terms.flatMap((term) => term.labels));
  if (labels.some((label) => !known.has(label)) || new Set(labels).size !== labels.length) c.fail(`has the output "${text}"`);
  return labels;
}

/** Without "->": the ellipsis, then the letters that come once, in order of the alphabet. */
function impliedOutput(terms: readonly Term[]): readonly string[] {
  const all = terms.flatMap((term) => term.labels);
  const once = [...new Set(all)].filter((label) => /[A-Za-z]/.test(label) && all.filter((other) => other === label).length === 1);
  return [...ellipsisOf(terms), ...once.sort()];
}

function ellipsisOf(terms: readonly Term[]): readonly string[] {
  const numbers = terms
    .flatMap((term) => term.labels)
    .filter((label) => /[0-9]/.test(label))
    .map(Number);
  return [...new Set(numbers)].sort((a, b) => b - a).map(String);
}

/** A label that comes twice in a term is a diagonal: every n+1-th element of the two axes taken as one. */
function diagonal(c: NodeContext, term: Term): Term {
  const twice = term.labels.find((label, i) => term.labels.indexOf(label) !== i);
  if (twice === undefined) return term;
  const [first, second] = [term.labels.indexOf(twice), term.labels.lastIndexOf(twice)];
  const shape = shapeOf(term.value);
  const n = shape[first]!;
  if (shape[second] !== n) c.fail(`has extents ${n} and ${shape[second]} for "${twice}"`);
  const others = [...shape.keys()].filter((axis) => axis !== first && axis !== second);
  const kept = others.map((axis) => shape[axis]!);
  const square = reshapeTo(c.b, transposeBy(c.b, term.value, [...others, first, second]), [...kept, n * n]);
  const value = c.b.create(slice, { x: square }, { starts: [...kept.map(() => 0), 0], sizes: [...kept, n], steps: [...kept.map(() => 1), n + 1] });
  return diagonal(c, { value, labels: [...others.map((axis) => term.labels[axis]!), twice] });
}

/** Without the labels that are not needed. */
function summed(c: NodeContext, term: Term, needed: ReadonlySet<string>): Term {
  const axes = [...term.labels.keys()].filter((axis) => !needed.has(term.labels[axis]!));
  if (axes.length === 0) return term;
  const value = c.b.create(reduce, { x: term.value }, { kind: "sum", axes, keepDims: false });
  return { value, labels: term.labels.filter((label) => needed.has(label)) };
}

function ordered(c: NodeContext, term: Term, labels: readonly string[]): Term {
  return {
    value: transposeBy(
      c.b,
      term.value,
      labels.map((label) => term.labels.indexOf(label)),
    ),
    labels,
  };
}

function multiplied(c: NodeContext, left: Term, right: Term, needed: ReadonlySet<string>): Term {
  const a = summed(c, left, new Set([...needed, ...right.labels]));
  const b = summed(c, right, new Set([...needed, ...left.labels]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const sizes = extents(c, [a, b]);
  // An axis of extent 1 on one side is broadcast, which a sum over it must see.
  const [wideA, wideB] = [widened(c, a, shared, sizes), widened(c, b, shared, sizes)];
  const batch = shared.filter((label) => needed.has(label));
  const inner = shared.filter((label) => !needed.has(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const size = (labels: readonly string[]): Dim => countOf(labels.map((label) => sizes.get(label)!));
  const labels = [...batch, ...rows, ...columns];
  const matrixA = reshapeTo(c.b, ordered(c, wideA, [...batch, ...rows, ...inner]).value, [size(batch), size(rows), size(inner)]);
  const matrixB = reshapeTo(c.b, ordered(c, wideB, [...batch, ...inner, ...columns]).value, [size(batch), size(inner), size(columns)]);
  const result = inner.length === 0 ? c.b.create(mul, { a: matrixA, b: matrixB }) : c.b.create(matmul, { a: matrixA, b: matrixB });
  return {
    value: reshapeTo(
      c.b,
      result,
      labels.map((label) => sizes.get(label)!),
    ),
    labels,
  };
}

function extents(c: NodeContext, terms: readonly Term[]): ReadonlyMap<string, Dim> {
  const sizes = new Map<string, Dim>();
  for (const { value, labels } of terms) {
    labels.forEach((label, axis) => {
      const [known, found] = [sizes.get(label) ?? 1, value.type.shape[axis]!];
      if (!equalDims(known, found) && known !== 1 && found !== 1) c.fail(`has extents ${shapeText([known])} and ${shapeText([found])} for "${label}"`);
      sizes.set(label, known === 1 ? found : known);
    });
  }
  return sizes;
}

function widened(c: NodeContext, term: Term, shared: readonly string[], sizes: ReadonlyMap<string, Dim>): Term {
  const shape = term.labels.map((label, axis) => (shared.includes(label) ? sizes.get(label)! : term.value.type.shape[axis]!));
  return { ...term, value: broadcastTo(c.b, term.value, shape) };
}
