import { I32, KernelBuilder, scalar, vector, type Term } from "../../kernel/build.ts";
import type { Kernel, Type } from "../../kernel/kernel.ts";
import { vectorsLive } from "../../target/pressure.ts";
import type { TargetProfile } from "../../target/profile.ts";
import { copyRun, unitOfRun } from "./indexing.ts";
import type { Cell, CellMoment } from "./recurrent-cells.ts";
import { cutEvenly } from "./tile.ts";

/** One direction of a recurrent layer. Hidden units are counted in whole vectors: `pitch` of them. */
export interface RecurrentProblem {
  readonly name: string;
  readonly loc: readonly string[];
  readonly target: TargetProfile;
  readonly elem: "f32" | "f64";
  readonly lanes: number;
  readonly cell: Cell;
  readonly time: number;
  readonly batch: number;
  readonly hidden: number;
  readonly pitch: number;
  readonly isBackward: boolean;
  /** Elements of w * x, of both directions' y and where this one begins, and from one moment of y to the next. */
  readonly input: number;
  readonly y: { readonly size: number; readonly base: number; readonly step: number };
  /** Packed recurrent weights: columns of all gates, `kStep` to the next row. Panels: columns of a product lie together. */
  readonly weights: { readonly size: number; readonly base: number; readonly panels: readonly Panel[] };
  /** Bias of the inputs, then of the recurrent sums, a pitch a gate. */
  readonly bias: { readonly size: number; readonly base: number } | undefined;
  readonly peephole: { readonly size: number; readonly base: number } | undefined;
  readonly lengths: "i32" | "i64" | undefined;
  /** The extent \`moments\` says how many moments there are; forward only. */
  readonly isOpen: boolean;
}

/** `vectors` vectors of columns, from vector `unit` on, at `at` in the weights. */
export interface Panel {
  readonly unit: number;
  readonly vectors: number;
  readonly at: number;
  readonly kStep: number;
}

/** Vectors of columns that one product keeps in registers, and rows of the batch it makes at once: as many products a cycle as can be. */
export function productTile(batch: number, target: TargetProfile): { readonly vectors: number; readonly rows: number } {
  let best = { vectors: 1, rows: 1 };
  let most = 0;
  for (let rows = 1; rows <= Math.min(batch, 8); rows++) {
    // One row reads its weights straight into the multiply-add.
    const live = (vectors: number): number => (rows === 1 && target.pressure === "order" ? vectors + 2 : vectorsLive(rows, vectors, target));
    for (let vectors = 1; vectors <= 8 && live(vectors) <= target.registers; vectors++) {
      const products = rows * vectors;
      const cycles = Math.max(products / target.fmaPerCycle, (rows + vectors) / target.loadsPerCycle, LATENCY);
      if (products / cycles > most) [best, most] = [{ vectors, rows }, products / cycles];
    }
  }
  return best;
}

/** Cycles from the operands of a multiply-add to its result. */
const LATENCY = 4;

/** Parameters: input (w * x), r, bias?, peephole?, lengths?, h and c (states, padded), sums (scratch), gated? and out? (scratch), y. */
export function recurrentKernel(p: RecurrentProblem): Kernel {
  return new RecurrentEmitter(p).emit();
}

class RecurrentEmitter {
  private readonly p: RecurrentProblem;
  private readonly b: KernelBuilder;
  private readonly type: Type;
  /** All gates of one row of the batch. */
  private readonly row: number;

  constructor(p: RecurrentProblem) {
    this.p = p;
    this.b = new KernelBuilder(p.name, { lanes: p.lanes, mode: "fast", loc: p.loc });
    this.type = vector(p.elem, p.lanes);
    this.row = p.cell.gates * p.pitch;
    const { b } = this;
    const state = p.batch * p.pitch;
    b.param("input", p.elem, p.input, "in");
    b.param("r", p.elem, p.weights.size, "in");
    if (p.bias) b.param("bias", p.elem, p.bias.size, "in");
    if (p.peephole) b.param("peephole", p.elem, p.peephole.size, "in");
    if (p.lengths) b.param("lengths", p.lengths, p.batch, "in");
    b.param("h", p.elem, state, "inout");
    if (p.cell.hasC) b.param("c", p.elem, state, "inout");
    b.param("sums", p.elem, p.batch * this.row, "inout");
    if (p.cell.reset) b.param("gated", p.elem, state, "inout");
    if (p.lengths) b.param("out", p.elem, state, "inout");
    b.param("y", p.elem, p.y.size, "out");
  }

  emit(): Kernel {
    const { b, p } = this;
    const sign = p.isBackward ? -1 : 1;
    const start = p.isBackward ? p.time - 1 : 0;
    const pitch = p.batch * p.cell.gates * p.hidden;
    const input = b.cursor("x", "input", start * pitch);
    const second = p.cell.reset ? b.cursor("x", "input", start * pitch) : undefined;
    const unit = unitOfRun(p.elem, p.hidden, p.elem === "f32" ? p.lanes : 1);
    const scale = unit.count / p.hidden;
    const y = b.cursor("y", "y", (p.y.base + start * p.y.step) * scale, unit.elem);
    const moment = p.lengths ? b.let("t", b.constant(I32, start)) : undefined;
    const moments = p.isOpen ? { extent: "moments", per: 1, max: p.time } : p.time;
    b.loop("t", moments, { [input]: sign * pitch, [y]: sign * p.y.step * scale, ...(second ? { [second]: sign * pitch } : {}) }, () => {
      this.product("h", p.cell.first);
      if (p.cell.reset) {
        const { reset } = p.cell;
        this.units(second!, undefined, (state, cursors) => b.store(cursors.gated!, 0, reset(state)));
        this.product("gated", [2, 3]);
      }
      this.units(input, moment, (state, cursors, active) => {
        const next = p.cell.next(state);
        const kept = (value: Term, old: Term): Term => (active ? b.select(active, value, old) : value);
        if (next.c) b.store(cursors.c!, 0, kept(next.c, state.c));
        b.store(cursors.h, 0, kept(next.h, state.h));
        if (cursors.out) b.store(cursors.out, 0, kept(next.h, b.constant(this.type, 0)));
      });
      this.copyOut(y, unit, scale);
      if (moment) b.set(moment, b.add(moment, b.constant(I32, sign)));
    });
    return b.finish();
  }

  /** What this moment gave, to y. */
  private copyOut(y: string, unit: ReturnType<typeof unitOfRun>, scale: number): void {
    const { b, p } = this;
    const from = b.cursor("s", p.lengths ? "out" : "h", 0, unit.elem);
    this.loop(p.batch, { [from]: p.pitch * scale, [y]: p.hidden * scale }, () => copyRun(b, unit, from, y));
  }

  private loop(trips: number, advance: Readonly<Record<string, number>>, body: () => void): void {
    if (trips === 1) body();
    else this.b.loop("n", trips, advance, body);
  }

  /** sums = bias + vector * r for the columns of gates from … to. */
  private product(from: "h" | "gated", [first, last]: readonly [number, number]): void {
    const { b, p, type } = this;
    const tile = productTile(p.batch, p.target);
    const panels = p.weights.panels.filter((panel) => panel.unit * p.lanes >= first * p.pitch && panel.unit * p.lanes < last * p.pitch);
    for (const cut of cutEvenly(p.batch, tile.rows)) {
      for (const panel of panels) {
        const column = panel.unit * p.lanes;
        const state = b.cursor("h", from, cut.start * p.pitch);
        const sums = b.cursor("s", "sums", cut.start * this.row + column);
        this.loop(cut.count, { [state]: cut.size * p.pitch, [sums]: cut.size * this.row }, () => {
          const bias = p.bias && b.cursor("d", "bias", p.bias.base + this.row + column);
          const held = Array.from({ length: cut.size }, () =>
            Array.from({ length: panel.vectors }, (_, v) => b.let("a", bias ? b.load(type, bias, v * p.lanes) : b.constant(type, 0))),
          );
          const weights = b.cursor("r", "r", p.weights.base + panel.at);
          b.loop("k", p.hidden, { [state]: 1, [weights]: panel.kStep }, () => {
            const column = Array.from({ length: panel.vectors }, (_, v) =>
              cut.size === 1 ? b.load(type, weights, v * p.lanes) : b.let("w", b.load(type, weights, v * p.lanes)),
            );
            held.forEach((row, m) => {
              const x = b.let("x", b.splat(type, state, m * p.pitch));
              row.forEach((sum, v) => b.set(sum, b.madd(x, column[v]!, sum)));
            });
          });
          held.forEach((row, m) => row.forEach((sum, v) => b.store(sums, m * this.row + v * p.lanes, sum)));
        });
      }
    }
  }

  /** Visits every vector of hidden units of every row of the batch. `input` moves through a moment of w * x. */
  private units(input: string, moment: Term | undefined, visit: (state: CellMoment, cursors: UnitCursors, active: Term | undefined) => void): void {
    const { b, p, type } = this;
    const cursor = (param: string, has: boolean): string | undefined => (has ? b.cursor(param[0]!, param) : undefined);
    const cursors = {
      h: b.cursor("h", "h"),
      c: cursor("c", p.cell.hasC),
      gated: cursor("gated", p.cell.reset !== undefined),
      out: cursor("out", p.lengths !== undefined),
    };
    const sums = b.cursor("s", "sums");
    const bias = p.bias && b.cursor("d", "bias", p.bias.base);
    const peephole = p.peephole && b.cursor("p", "peephole", p.peephole.base);
    const lengths = moment && b.cursor("l", "lengths");
    const states = [cursors.h, cursors.c, cursors.gated, cursors.out].filter((name) => name !== undefined);
    const advance = (state: number, input_: number, sum: number): Record<string, number> => ({
      ...Object.fromEntries(states.map((name) => [name, state])),
      [input]: input_,
      [sums]: sum,
    });
    this.loop(p.batch, { ...advance(p.pitch, p.cell.gates * p.hidden, this.row), ...(lengths ? { [lengths]: 1 } : {}) }, () => {
      const flag = lengths ? this.isActive(moment, lengths) : undefined;
      const along = { ...advance(p.lanes, p.lanes, p.lanes), ...(bias ? { [bias]: p.lanes } : {}), ...(peephole ? { [peephole]: p.lanes } : {}) };
      this.loop(p.pitch / p.lanes, along, () => {
        const load = (from: string, offset: number): Term => b.let("v", b.load(type, from, offset));
        const state: CellMoment = {
          b,
          input: (gate) => (bias ? b.add(load(input, gate * p.hidden), b.load(type, bias, gate * p.pitch)) : load(input, gate * p.hidden)),
          recurrent: (gate) => load(sums, gate * p.pitch),
          h: load(cursors.h, 0),
          c: cursors.c ? load(cursors.c, 0) : b.constant(type, 0),
          peephole: (part) => (peephole ? load(peephole, part * p.pitch) : undefined),
        };
        const active = flag === undefined ? undefined : b.compare("ne", flag, b.constant(flag.type, 0));
        visit(state, cursors, active);
      });
    });
  }

  /** 1 in all lanes while the moment lies inside the sequence. */
  private isActive(moment: Term, lengths: string): Term {
    const { b, p } = this;
    const long = scalar("i64");
    const length =
      p.lengths === "i64"
        ? b.op("convert", I32, [b.let("l", b.pmin(b.pmax(b.load(long, lengths), b.constant(long, 0n)), b.constant(long, BigInt(p.time))))])
        : b.load(I32, lengths);
    const flag = b.let("l", b.select(b.compare("lt", moment, length), b.constant(I32, 1), b.constant(I32, 0)));
    return p.lanes === 1 ? flag : b.let("l", b.op("splatScalar", vector("i32", p.lanes), [flag]));
  }
}

interface UnitCursors {
  readonly h: string;
  readonly c: string | undefined;
  readonly gated: string | undefined;
  readonly out: string | undefined;
}
