import { KernelBuilder, vector, type Term } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { TargetProfile } from "../../target/profile.ts";
import type { Layout } from "../layout.ts";
import type { WindowAxis } from "./conv-geometry.ts";
import { multiplier } from "./contraction.ts";
import { applyActivation, isLight, type Activation } from "./epilogue.ts";
import { channelVectors, emitImageNest, imageCursor, type NestCursor } from "./image-nest.ts";
import { columnTables, storeRequantised, type Requantise } from "./requantise.ts";
import { storeElem } from "./storage.ts";
import { cutEvenly } from "./tile.ts";

export interface DepthwiseProblem {
  readonly name: string;
  readonly loc: readonly string[];
  readonly target: TargetProfile;
  readonly x: Layout;
  readonly y: Layout;
  readonly residual: Layout | undefined;
  readonly rows: WindowAxis;
  readonly cols: WindowAxis;
  readonly activation: Activation;
  readonly requantise?: Requantise | undefined;
}

interface DepthwiseTile {
  readonly cursors: readonly NestCursor[];
  readonly x: string;
  readonly w: string;
  readonly y: string;
  readonly residual: string | undefined;
  readonly factors: readonly (string | undefined)[];
  readonly pixels: number;
}

/** Kernels up to this many taps wide hold a row of weights in registers. */
const WIDEST_ROW = 7;

export function depthwiseKernel(p: DepthwiseProblem): Kernel {
  const { lanes, blocks, parts } = channelVectors(p.y, p.target);
  const type = vector(p.x.elem, lanes);
  const { rows, cols, target } = p;
  const taps = rows.kernel * cols.kernel;
  const schedule = chooseDepthwise(rows, cols, multiplier(p.x.elem, target));
  const suffix = p.activation.name === "none" ? "" : `_${p.activation.name.toLowerCase()}`;
  const b = new KernelBuilder(`${p.name}_mr${schedule.pixels}${p.residual ? "_add" : ""}${suffix}`, {
    lanes,
    mode: p.requantise ? "exact" : "fast",
    loc: p.loc,
  });
  b.param("x", p.x.elem, p.x.size, "in");
  b.param("w", p.x.elem, blocks * parts * (taps + 1) * lanes, "in");
  if (p.residual) b.param("residual", p.y.elem, p.residual.size, "in");
  const tables = columnTables(p);
  for (const table of tables) b.param(table.param, table.elem, blocks * parts * lanes, "in");
  b.param("y", p.y.elem, p.y.size, isLight(p.activation) ? "out" : "inout");

  const registers = new Map<string, Term>();
  const register = (name: string): Term => {
    const known = registers.get(name) ?? b.register(name, type);
    registers.set(name, known);
    return known;
  };
  const multiplyAdd = (a: Term, w: Term, acc: Term): Term => (p.x.elem === "f32" ? b.madd(a, w, acc) : b.add(b.mul(a, w), acc));
  const stepY = p.x.shape.length >= 4 ? p.x.strides.at(-2)! * rows.dilation : 0;
  const stepX = p.x.strides.at(-1)! * cols.dilation;
  const strideX = p.x.strides.at(-1)! * cols.stride;
  const start = -rows.before * (p.x.shape.length >= 4 ? p.x.strides.at(-2)! : 0) - cols.before * p.x.strides.at(-1)!;
  const perVector = (taps + 1) * lanes;

  /** One row of taps: each input vector is loaded once and used by every pixel that it is a tap of. */
  const rowOfTaps = (tile: DepthwiseTile, x: string, xOffset: number, w: string, wOffset: number, held: string | undefined): void => {
    const weights = Array.from({ length: cols.kernel }, (_, k) => {
      const weight = register(held ? `${held}${k}` : `w${k}`);
      if (!held) b.set(weight, b.load(type, w, wOffset + k * lanes));
      return weight;
    });
    const uses = new Map<number, [pixel: number, tap: number][]>();
    for (let pixel = 0; pixel < tile.pixels; pixel++) {
      for (let tap = 0; tap < cols.kernel; tap++) {
        const at = pixel * strideX + tap * stepX;
        uses.set(at, [...(uses.get(at) ?? []), [pixel, tap]]);
      }
    }
    for (const at of [...uses.keys()].sort((l, r) => l - r)) {
      const value = register("v");
      b.set(value, b.load(type, x, xOffset + at));
      for (const [pixel, tap] of uses.get(at)!) b.set(register(`a${pixel}`), multiplyAdd(value, weights[tap]!, register(`a${pixel}`)));
    }
  };
  const tapByTap = (tile: DepthwiseTile, x: string, w: string): void =>
    b.loop("kw", cols.kernel, { [x]: stepX, [w]: lanes }, () => {
      const weight = register("w0");
      b.set(weight, b.load(type, w));
      for (let pixel = 0; pixel < tile.pixels; pixel++)
        b.set(register(`a${pixel}`), multiplyAdd(b.load(type, x, pixel * strideX), weight, register(`a${pixel}`)));
    });

  emitImageNest<DepthwiseTile & { readonly taps: string; readonly stored: string | undefined }>(b, p.y, {
    blocks,
    parts,
    batch: p.y.shape[0]!,
    rows: cutEvenly(rows.out, 1),
    cols: cutEvenly(cols.out, schedule.pixels),
    tile(row, col) {
      const x = imageCursor(b, "i", "x", p.x, lanes, { row, col, strides: [rows.stride, cols.stride], start });
      const y = imageCursor(b, "o", "y", p.y, lanes, { row, col }, p.requantise && storeElem(p.requantise.dtype));
      const residual = p.residual && imageCursor(b, "r", "residual", p.residual, lanes, { row, col });
      const stored = isLight(p.activation) ? undefined : imageCursor(b, "e", "y", p.y, lanes, { row, col });
      const weightCursor = (stem: string, base: number): NestCursor => ({
        name: b.cursor(stem, "w", base),
        block: parts * perVector,
        part: perVector,
        batch: 0,
        row: 0,
        pixel: 0,
      });
      const factors = tables.map((table): NestCursor => ({ ...weightCursor("q", 0), name: b.cursor("q", table.param), block: parts * lanes, part: lanes }));
      const [bias, tapCursor] = [weightCursor("d", 0), weightCursor("k", lanes)];
      return {
        cursors: [x, y, bias, tapCursor, ...factors, ...(residual ? [residual] : []), ...(stored ? [stored] : [])],
        x: x.name,
        w: bias.name,
        taps: tapCursor.name,
        y: y.name,
        factors: (p.requantise?.tables ?? []).map((table) => factors[tables.indexOf(table)]?.name),
        residual: residual?.name,
        stored: stored?.name,
        pixels: col.size,
      };
    },
    prologue([tile]) {
      if (!schedule.held) return;
      b.set(register("bias"), b.load(type, tile!.w));
      for (let tap = 0; tap < taps; tap++) b.set(register(`w${Math.floor(tap / cols.kernel)}_${tap % cols.kernel}`), b.load(type, tile!.w, (tap + 1) * lanes));
    },
    body(tile) {
      const held = schedule.held && p.y.block !== undefined;
      for (let pixel = 0; pixel < tile.pixels; pixel++)
        b.set(register(`a${pixel}`), held ? register("bias") : pixel > 0 ? register("a0") : b.load(type, tile.w));
      if (cols.kernel > WIDEST_ROW || schedule.tapByTap) {
        const body = (): void => tapByTap(tile, tile.x, tile.taps);
        if (rows.kernel === 1) body();
        else b.loop("kh", rows.kernel, { [tile.x]: stepY, [tile.taps]: cols.kernel * lanes }, body);
      } else if (schedule.unrollRows) {
        for (let r = 0; r < rows.kernel; r++) rowOfTaps(tile, tile.x, r * stepY, tile.w, (1 + r * cols.kernel) * lanes, held ? `w${r}_` : undefined);
      } else b.loop("kh", rows.kernel, { [tile.x]: stepY, [tile.taps]: cols.kernel * lanes }, () => rowOfTaps(tile, tile.x, 0, tile.taps, 0, undefined));

      for (let pixel = 0; pixel < tile.pixels; pixel++) {
        const acc = register(`a${pixel}`);
        if (p.requantise) {
          storeRequantised(b, acc, p.requantise, { cursor: tile.y, offset: pixel * p.y.strides.at(-1)!, factors: tile.factors, factorOffset: 0, count: lanes });
          continue;
        }
        const sum = tile.residual ? b.add(acc, b.load(type, tile.residual, pixel * p.residual!.strides.at(-1)!)) : acc;
        b.store(tile.y, pixel * p.y.strides.at(-1)!, isLight(p.activation) ? applyActivation(b, sum, p.activation) : sum);
      }
      if (tile.stored) {
        const { stored } = tile;
        const apply = (): void => b.store(stored, 0, applyActivation(b, b.load(type, stored), p.activation));
        if (tile.pixels === 1) apply();
        else b.loop("px", tile.pixels, { [stored]: p.y.strides.at(-1)! }, apply);
      }
    },
  });
  return b.finish();
}

interface DepthwiseSchedule {
  /** Pixels of a tile, all of one row. */
  readonly pixels: number;
  /** All weights stay in registers while the pixels of a vector of channels run. */
  readonly held: boolean;
  readonly unrollRows: boolean;
  readonly tapByTap: boolean;
}

/** Kernels up to this many taps are written out row by row. */
const UNROLLED_TAPS = 25;
/** Longest tile of pixels. */
const MOST_PIXELS = 14;

function chooseDepthwise(rows: WindowAxis, cols: WindowAxis, target: TargetProfile): DepthwiseSchedule {
  const taps = rows.kernel * cols.kernel;
  const { registers } = target;
  const product = target.fma === "no" ? 1 : 0;
  if (target.pressure === "hoist") {
    // A block's inputs are all alive together with its weights and accumulators.
    const alive = (pixels: number): number => pixels + cols.kernel + (pixels - 1) * cols.stride + (cols.kernel - 1) * cols.dilation + 1 + product;
    let pixels = 0;
    while (pixels < MOST_PIXELS && cols.kernel <= WIDEST_ROW && alive(pixels + 1) <= registers) pixels++;
    const tapByTap = pixels < 2;
    return { pixels: tapByTap ? Math.floor((registers - 1 - product) / 2) : pixels, held: false, unrollRows: rows.kernel === 1, tapByTap };
  }
  const held = taps + 2 + product + 8 <= registers && cols.kernel <= WIDEST_ROW && taps <= UNROLLED_TAPS;
  const weights = held ? taps + 1 : Math.min(cols.kernel, WIDEST_ROW);
  const pixels = Math.min(MOST_PIXELS, Math.max(1, registers - weights - 1 - product));
  return { pixels, held, unrollRows: taps <= UNROLLED_TAPS, tapByTap: false };
}
