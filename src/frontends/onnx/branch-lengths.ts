import { boundsOf, dimSymbol, equalDims, symbolsOf } from "../../ir/dims.ts";
import type { Value } from "../../ir/graph.ts";
import type { Dim } from "../../ir/types.ts";
import type { Subgraphs } from "./subgraphs.ts";
import { firstOf, lengthAt, stretchTo } from "./longest.ts";
import type { OpenRegion } from "./regions.ts";

/** An axis along which a result of an If is as long as the branch says that runs. */
interface BranchLength {
  readonly result: number;
  readonly axis: number;
  readonly dim: Dim;
}

/** Axes along which the branches differ, or which the data inside of one decide. Results of other ranks or dtypes are not looked at. */
export function branchLengths(then: OpenRegion, otherwise: OpenRegion, name: string): readonly BranchLength[] {
  const outside = new Set([then, otherwise].flatMap(symbolsOutside));
  return then.results.flatMap(({ type: a }, result) => {
    const { type: b } = otherwise.results[result]!;
    if (a.dtype !== b.dtype || a.shape.length !== b.shape.length) return [];
    const isSame = a.shape.map((dim, axis) => equalDims(dim, b.shape[axis]!) && dimSymbols(dim).every((symbol) => outside.has(symbol)));
    if (isSame.every(Boolean)) return [];
    return a.shape.flatMap((dim, axis) => {
      if (typeof dim === "number" && isSame[axis]) return [];
      const [low, high] = boundsOf(dim);
      const [least, most] = boundsOf(b.shape[axis]!);
      const own = dimSymbol(`${name}/${result}:${axis}`, Math.min(low, least), Math.max(high, most));
      return [{ result, axis, dim: isSame[axis] ? dim : own }];
    });
  });
}

/** The lengths that what a branch reads from outside has. */
function symbolsOutside({ ops, results }: OpenRegion): readonly string[] {
  const own = new Set(ops.flatMap((op) => op.results));
  const read = [...ops.flatMap((op) => op.operands), ...results].filter((value) => value !== undefined && !own.has(value)) as Value[];
  return read.flatMap(({ type }) => type.shape.flatMap(dimSymbols));
}

function dimSymbols(dim: Dim): readonly string[] {
  return symbolsOf(dim).map(({ name }) => name);
}

/** The branch with its results as long as either makes them, and what they truly are long behind them. */
export function withLengths(s: Subgraphs, region: OpenRegion, lengths: readonly BranchLength[]): OpenRegion {
  if (lengths.length === 0) return region;
  const { result, ops } = s.apart(() => {
    const whole = region.results.map((value, i) => {
      const own = lengths.filter(({ result }) => result === i);
      const shape = value.type.shape.map((dim, axis) => {
        const open = own.find((one) => one.axis === axis);
        return open ? boundsOf(open.dim)[1] : (dim as number);
      });
      return own.length === 0 ? value : s.stored.mark(stretchTo(s.b, value, shape), s.stored.of(value));
    });
    return [...whole, ...lengths.map(({ result, axis }) => lengthAt(s.b, region.results[result]!, axis))];
  });
  return { ...region, ops: [...region.ops, ...ops], results: result };
}

/** Results of an If at their true lengths, which stand behind them. */
export function cutToLengths(s: Subgraphs, values: readonly Value[], lengths: readonly BranchLength[]): readonly Value[] {
  const count = values.length - lengths.length;
  return values.slice(0, count).map((value, i) =>
    lengths.reduce((x, { result, axis, dim }, k) => {
      return result === i ? s.stored.mark(firstOf(s.b, x, axis, values[count + k]!, dim), s.stored.of(value)) : x;
    }, value),
  );
}
