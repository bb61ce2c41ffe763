import type { DType } from "../../ir/types.ts";
import { KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Layout } from "../layout.ts";
import { emitNest } from "./nest.ts";
import { loadElement, memoryElem, storeCursor, storeElement } from "./storage.ts";
import { boxesOf, mergeDims, paddedShape, sortDims, type Box, type Dim, type View } from "./view.ts";

export interface LoopOperand {
  readonly param: string;
  readonly dtype: DType;
  readonly view: View;
}

/** y[i] = compute(operands at i) for every i of the shape. Operands of one parameter are views of one tensor. */
interface ElementwiseLoop {
  readonly name: string;
  readonly loc: readonly string[];
  readonly lanes: number;
  readonly shape: readonly number[];
  readonly operands: readonly LoopOperand[];
  readonly result: LoopOperand;
  /** Vectors can't. */
  readonly scalarOnly: boolean;
  /** Every operation rounds, so that all executors have the same bits. */
  readonly exact?: boolean;
  /** Vectors in one iteration of the inner loop, at most. */
  readonly unroll: number;
  readonly compute: (b: KernelBuilder, args: readonly Term[], lanes: number) => Term;
}

/**
 * Parameters by the names of operands and result. The result may lie over an operand of equal layout: what a run reads last is read
 * before anything is written over it.
 */
export function elementwiseKernel(loop: ElementwiseLoop): Kernel {
  const b = new KernelBuilder(loop.name, { lanes: loop.lanes, mode: loop.exact ? "exact" : "fast", loc: loop.loc });
  const declared = new Set<string>();
  for (const { param, dtype, view } of loop.operands) {
    if (!declared.has(param)) b.param(param, memoryElem(dtype), view.layout.size, "in");
    declared.add(param);
  }
  b.param(loop.result.param, memoryElem(loop.result.dtype), loop.result.view.layout.size, "out");
  const views = [...loop.operands.map((operand) => operand.view), loop.result.view];
  const padded = loop.scalarOnly ? undefined : paddedShape(loop.shape, loop.result.view.layout, views, loop.lanes);
  const boxes = boxesOf(padded ?? loop.shape, views);
  for (const box of boxes) new BoxEmitter(b, loop, box, boxes.length === 1).emit();
  return b.finish();
}

class BoxEmitter {
  private readonly b: KernelBuilder;
  private readonly loop: ElementwiseLoop;
  private readonly dims: readonly Dim[];
  private readonly box: Box;
  /** The box is the whole tensor, so behind it lies slack. */
  private readonly isWhole: boolean;

  constructor(b: KernelBuilder, loop: ElementwiseLoop, box: Box, isWhole: boolean) {
    this.b = b;
    this.loop = loop;
    this.box = box;
    this.dims = mergeDims(sortDims(box.dims, loop.operands.length));
    this.isWhole = isWhole;
  }

  emit(): void {
    const { b, loop } = this;
    const inner = this.dims.at(-1) ?? { trips: 1, steps: this.box.bases.map(() => 1) };
    const outer = this.dims.slice(0, -1);
    const { lanes, trips } = this.vectorised(inner);
    const cursors = this.box.bases.map((base, k) => {
      const operand = loop.operands[k];
      return operand ? b.cursor("i", operand.param, base) : storeCursor(b, "o", loop.result.param, base, loop.result.dtype);
    });
    emitNest(b, outer, cursors, () => {
      const held = loop.operands.map((operand, k) =>
        inner.steps[k] === 0 && trips > lanes ? b.let("s", loadElement(b, operand.dtype, lanes, cursors[k]!, 0, { splat: true })) : undefined,
      );
      this.emitRun({ trips: inner.trips, steps: inner.steps }, trips, lanes, cursors, held);
    });
  }

  /** Lanes, and the trips of the run: rounded up where what is behind it may be written and read. */
  private vectorised(inner: Dim): { lanes: number; trips: number } {
    const { loop } = this;
    const { lanes } = loop;
    const steps = inner.steps.slice(0, -1);
    const possible = lanes > 1 && !loop.scalarOnly && inner.steps.at(-1) === 1 && steps.every((step) => step === 0 || step === 1);
    if (!possible) return { lanes: 1, trips: inner.trips };
    const rounded = Math.ceil(inner.trips / lanes) * lanes;
    if (rounded === inner.trips) return { lanes, trips: rounded };
    const reaches = (view: View, k: number): boolean => this.box.bases[k]! + (inner.steps[k] === 0 ? 1 : rounded) <= view.layout.size;
    const isLast = this.dims.length <= 1 && this.isWhole && endsWithSlack(loop.result.view.layout, this.box.bases.at(-1)! + inner.trips);
    if (isLast && [...loop.operands.map((o) => o.view), loop.result.view].every(reaches)) return { lanes, trips: rounded };
    return inner.trips >= lanes ? { lanes, trips: inner.trips } : { lanes: 1, trips: inner.trips };
  }

  private emitRun(inner: Dim, trips: number, lanes: number, cursors: readonly string[], held: readonly (Term | undefined)[]): void {
    const { b, loop } = this;
    const result = cursors.at(-1)!;
    const compute = (at: number): Term => {
      const args = loop.operands.map(
        (operand, k) => held[k] ?? b.let("v", loadElement(b, operand.dtype, lanes, cursors[k]!, at * inner.steps[k]!, { splat: inner.steps[k] === 0 })),
      );
      return loop.compute(b, args, lanes);
    };
    const store = (at: number, value: Term): void => storeElement(b, loop.result.dtype, lanes, result, at * inner.steps.at(-1)!, value);
    const whole = Math.floor(trips / lanes);
    const rest = trips % lanes;
    const last = rest > 0 && whole > 0 ? b.let("t", compute(trips - lanes)) : undefined;
    const unroll = [4, 3, 2].find((n) => n <= loop.unroll && whole % n === 0 && whole > n) ?? 1;
    const body = (): void => {
      for (let n = 0; n < unroll; n++) store(n * lanes, compute(n * lanes));
    };
    emitNest(b, [{ trips: whole / unroll, steps: inner.steps.map((step) => step * lanes * unroll) }], cursors, body);
    if (last) store(trips - lanes, last);
  }
}

/** Nothing but slack lies behind address `end`. */
function endsWithSlack(layout: Layout, end: number): boolean {
  return (
    !layout.block && layout.halo.every(([before, after]) => before === 0 && after === 0) && end === layout.offset + layout.shape.reduce((n, dim) => n * dim, 1)
  );
}
