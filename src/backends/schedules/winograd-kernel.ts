import { KernelBuilder, vector, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Layout } from "../layout.ts";
import { ContractionBody } from "./contraction-kernel.ts";
import { applyActivation } from "./epilogue.ts";
import { channelVectors } from "./image-nest.ts";
import { panelLayout } from "./weight-panels.ts";
import { winogradScratch, type Strip, type WinogradPlan, type WinogradProblem } from "./winograd-plan.ts";
import { WinogradMath } from "./winograd-transform.ts";

/** Parameters: x, w (packed transformed weights), bias (whole vectors), residual where there is one, y, and the scratch tensors inputs, products, square. */
export function winogradKernel(p: WinogradProblem, plan: WinogradPlan): Kernel {
  const suffix = p.activation.name === "none" ? "" : `_${p.activation.name.toLowerCase()}`;
  const { lanes } = channelVectors(p.x, p.target);
  const b = new KernelBuilder(`${p.name}_f${p.m}${p.residual ? "_add" : ""}${suffix}`, { lanes, mode: "fast", loc: p.loc });
  const sizes = winogradScratch(p, plan);
  const first = [...plan.products.values()][0]!;
  const outputs = channelVectors(p.y, p.target);
  b.param("x", "f32", p.x.size, "in");
  b.param("w", "f32", panelLayout(first.c, first.plan).size, "in");
  b.param("bias", "f32", outputs.blocks * outputs.parts * lanes, "in");
  if (p.residual) b.param("residual", "f32", p.residual.size, "in");
  b.param("y", "f32", p.y.size, "out");
  for (const name of ["inputs", "products", "square"] as const) b.param(name, "f32", sizes[name], "inout");
  new WinogradEmitter(p, plan, b).emit();
  return b.finish();
}

class WinogradEmitter {
  private readonly p: WinogradProblem;
  private readonly plan: WinogradPlan;
  private readonly b: KernelBuilder;
  private readonly lanes: number;
  private readonly registers = new Map<string, Term>();
  private readonly math: WinogradMath;

  constructor(p: WinogradProblem, plan: WinogradPlan, b: KernelBuilder) {
    this.p = p;
    this.plan = plan;
    this.b = b;
    this.lanes = channelVectors(p.x, p.target).lanes;
    this.math = new WinogradMath(b, (name, value) => this.hold(name, value));
  }

  emit(): void {
    const { p, plan, b } = this;
    for (const strip of plan.strips) {
      const cursors = this.cursorsOf(strip);
      const { c, plan: tiles } = plan.products.get(strip.rows)!;
      const product = new ContractionBody(b, c, tiles, { x: "inputs", w: "w", y: "products" });
      const step = (layout: Layout): number => layout.strides[2]! * p.m * strip.rows;
      const outer = (stem: string, trips: number, by: (layout: Layout) => number, body: () => void): void =>
        this.loop(
          stem,
          trips,
          {
            [cursors.x]: by(p.x),
            ...Object.fromEntries(cursors.outputs.flatMap((o) => [[o.y, by(p.y)], ...(o.residual ? [[o.residual, by(p.residual!)]] : [])])),
          },
          body,
        );
      outer(
        "n",
        p.y.shape[0]!,
        (layout) => layout.strides[0]!,
        () =>
          outer("strip", strip.count, step, () => {
            this.transformInputs(strip, cursors.x);
            product.emit();
            for (const output of cursors.outputs) this.transformOutputs(output);
          }),
      );
    }
  }

  private cursorsOf(strip: Strip): { readonly x: string; readonly outputs: readonly Output[] } {
    const { p, plan, b } = this;
    const m = p.m;
    const [rowX, pixelX] = [p.x.strides[2]!, p.x.strides[3]!];
    const across = p.y.shape[3]!;
    const narrow = across - (plan.tilesAcross - 1) * m;
    const whole = plan.tilesAcross - (narrow < m ? 1 : 0);
    const rowsOf: { row: number; rows: number; high: number }[] = [];
    const wholeRows = strip.rows - (strip.partial === undefined ? 0 : 1);
    if (wholeRows > 0) rowsOf.push({ row: 0, rows: wholeRows, high: m });
    if (strip.partial !== undefined) rowsOf.push({ row: wholeRows, rows: 1, high: strip.partial });
    const colsOf = [...(whole > 0 ? [{ col: 0, cols: whole, wide: m }] : []), ...(narrow < m ? [{ col: whole, cols: 1, wide: narrow }] : [])];
    const outputs = rowsOf.flatMap((r) =>
      colsOf.map((q): Output => {
        const at = (layout: Layout): number => layout.offset + (strip.start + r.row) * m * layout.strides[2]! + q.col * m * layout.strides[3]!;
        return {
          ...r,
          ...q,
          y: b.cursor("o", "y", at(p.y)),
          residual: p.residual && b.cursor("r", "residual", at(p.residual)),
          bias: b.cursor("d", "bias"),
          products: b.cursor("f", "products", (r.row * plan.tilesAcross + q.col) * this.lanes),
        };
      }),
    );
    return { x: b.cursor("i", "x", p.x.offset - p.before[0] * rowX - p.before[1] * pixelX + strip.start * m * rowX), outputs };
  }

  private transformInputs(strip: Strip, x: string): void {
    const { p, plan, b, lanes } = this;
    const side = p.m + 2;
    const v = b.cursor("v", "inputs");
    const t = b.cursor("t", "square");
    const [row, pixel] = [p.x.strides[2]!, p.x.strides[3]!];
    this.channels(
      p.x,
      (block, part) => ({ [x]: block ? p.x.block!.stride : part, [v]: plan.tiles * (block ? p.x.block!.size : lanes) }),
      () =>
        this.loop("ty", strip.rows, { [x]: p.m * row, [v]: plan.tilesAcross * lanes }, () =>
          this.loop("tx", plan.tilesAcross, { [x]: p.m * pixel, [v]: lanes }, () => {
            for (let j = 0; j < side; j++) {
              const column = Array.from({ length: side }, (_, i) => this.hold(`d${i}`, this.load(x, i * row + j * pixel)));
              this.math.input(p.m, column).forEach((value, i) => b.store(t, (i * side + j) * lanes, value));
            }
            for (let i = 0; i < side; i++) {
              const line = Array.from({ length: side }, (_, j) => this.hold(`d${j}`, this.load(t, (i * side + j) * lanes)));
              this.math.input(p.m, line).forEach((value, j) => b.store(v, (i * side + j) * plan.inputPitch, value));
            }
          }),
        ),
    );
  }

  private transformOutputs(output: Output): void {
    const { p, plan, b, lanes } = this;
    const [m, side] = [p.m, p.m + 2];
    const t = b.cursor("t", "square");
    const { y, residual, products, bias } = output;
    const step = (layoutStep: (layout: Layout) => number): Record<string, number> => ({
      [y]: layoutStep(p.y),
      ...(residual ? { [residual]: layoutStep(p.residual!) } : {}),
    });
    const move = (block: boolean, part: number): Record<string, number> => {
      const vectors = block ? p.y.block!.size / lanes : 1;
      return { ...step((layout) => (block ? layout.block!.stride : part)), [products]: plan.tiles * lanes * vectors, [bias]: lanes * vectors };
    };
    this.channels(p.y, move, () =>
      this.loop("ty", output.rows, { ...step((layout) => m * layout.strides[2]!), [products]: plan.tilesAcross * lanes }, () =>
        this.loop("tx", output.cols, { ...step((layout) => m * layout.strides[3]!), [products]: lanes }, () => {
          for (let j = 0; j < side; j++) {
            const column = Array.from({ length: side }, (_, i) => this.hold(`d${i}`, this.load(products, (i * side + j) * plan.productPitch)));
            this.math
              .output(m, column)
              .slice(0, output.high)
              .forEach((value, i) => b.store(t, (i * side + j) * lanes, value));
          }
          const biasValue = this.hold("bias", this.load(bias, 0));
          for (let i = 0; i < output.high; i++) {
            const line = Array.from({ length: side }, (_, j) => this.hold(`d${j}`, this.load(t, (i * side + j) * lanes)));
            this.math
              .output(m, line)
              .slice(0, output.wide)
              .forEach((value, j) => {
                const at = (layout: Layout): number => i * layout.strides[2]! + j * layout.strides[3]!;
                const sum = b.add(value, biasValue);
                b.store(y, at(p.y), applyActivation(b, residual ? b.add(sum, this.load(residual, at(p.residual!))) : sum, p.activation));
              });
          }
        }),
      ),
    );
  }

  /** Loops over the vectors of channels of a layout. `move(true)`: from block to block; `move(false, part)`: within one. */
  private channels(layout: Layout, move: (block: boolean, part: number) => Record<string, number>, body: () => void): void {
    const { blocks, parts } = channelVectors(layout, this.p.target);
    this.loop("cb", blocks, layout.block ? move(true, 0) : {}, () => this.loop("cv", parts, move(false, this.lanes), body));
  }

  private loop(stem: string, trips: number, advance: Readonly<Record<string, number>>, body: () => void): void {
    if (trips === 1) return body();
    this.b.loop(stem, trips, advance, body);
  }

  private load(cursor: string, offset: number): Term {
    return this.b.load(vector("f32", this.lanes), cursor, offset);
  }

  private hold(name: string, value: Term): Term {
    const register = this.registers.get(name) ?? this.b.register(name, value.type);
    this.registers.set(name, register);
    this.b.set(register, value);
    return register;
  }
}

interface Output {
  readonly row: number;
  readonly rows: number;
  readonly high: number;
  readonly col: number;
  readonly cols: number;
  readonly wide: number;
  readonly y: string;
  readonly residual: string | undefined;
  readonly bias: string;
  readonly products: string;
}
