/** Leaves of the rows of a block, from the bits that tell where among the leaves each row is. */
import { I32, scalar, vector, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { TargetProfile } from "../../target/profile.ts";
import type { Buffer, LowerContext } from "../schedule.ts";
import type { TreeHeaps } from "./tree-heaps.ts";

export interface BlockLeaves {
  /** Cursors: they move with the trees and the targets; a tree has `each` elements of the first. */
  readonly leaf: string;
  readonly each: number;
  readonly sums: string;
  /** By row of a block: its place. */
  readonly places: Uint16Array;
  /** Adds a tree's leaves to the sums. */
  readonly emit: () => void;
}

interface Size {
  readonly lanes: number;
  readonly groups: number;
}

/** Deeper trees have more tables than looking up one leaf after the other costs. */
const DEEPEST_LOOKUP = 6;

/** Vectors look up bytes: then a leaf is put together of its four bytes. */
export function looksUpBytes({ arch, cpuFeatures }: TargetProfile, heaps: TreeHeaps): boolean {
  const can = arch === "wasm32" || (arch === "x86_64" && cpuFeatures.includes("ssse3"));
  return can && heaps.leaves instanceof Float32Array && heaps.depth <= DEEPEST_LOOKUP;
}

export function declareBlockLeaves(b: KernelBuilder, buffers: Record<string, Buffer>, context: LowerContext, heaps: TreeHeaps, size: Size): BlockLeaves {
  return looksUpBytes(context.target, heaps) ? byBytes(b, buffers, context, heaps, size) : byRows(b, buffers, context, heaps, size);
}

/** The places of a group's rows among the leaves: the step at the root is the highest bit. Bits that come over from other bytes are cut off. */
function codes(b: KernelBuilder, planes: string, depth: number, { lanes }: Size, group: number): Term {
  const type = vector("i32", lanes);
  let code: Term | undefined;
  for (let d = 0; d < depth; d++) {
    const plane = b.load(type, planes, d * lanes);
    const by = group - (depth - 1 - d);
    const moved = by > 0 ? b.shrU(plane, by) : by < 0 ? b.shl(plane, -by) : plane;
    const bit = b.and(moved, b.constant(type, (0x01010101 * 2 ** (depth - 1 - d)) | 0));
    code = code ? b.or(code, bit) : bit;
  }
  return b.let("c", b.op("bitcast", vector("u8", 4 * lanes), [code!]));
}

/** One row after the other. */
function byRows(b: KernelBuilder, buffers: Record<string, Buffer>, context: LowerContext, heaps: TreeHeaps, size: Size): BlockLeaves {
  const { lanes, groups } = size;
  const { depth } = heaps;
  const weights = heaps.leaves instanceof Float64Array ? "f64" : "f32";
  const bytes = 4 * lanes;
  b.param("leaves", weights, heaps.leaves.length, "in");
  buffers["leaves"] = context.weights(weights, heaps.leaves);
  b.param("codes", "u8", bytes, "inout");
  buffers["codes"] = context.scratch("u8", bytes);
  const [leaf, sums, planes] = [b.cursor("l", "leaves"), b.cursor("s", "sums"), b.cursor("q", "planes", 0, "i32")];
  const [all, code] = [b.cursor("c", "codes"), b.cursor("c", "codes")];
  const emit = (): void => {
    for (let group = 0; group < groups; group++) {
      b.store(all, 0, codes(b, planes, depth, size, group));
      b.loop("h", bytes / 8, { [code]: 8, [sums]: 8 }, () => {
        for (let i = 0; i < 8; i++) {
          const at = b.and(b.load(scalar("u8"), code, i), b.constant(I32, 2 ** depth - 1));
          const to = group * bytes + i;
          b.store(sums, to, b.add(b.load(scalar(weights), sums, to), b.load(scalar(weights), leaf, 0, at)));
        }
      });
    }
  };
  return { leaf, each: 2 ** depth, sums, places: Uint16Array.from({ length: groups * bytes }, (_, row) => row), emit };
}

/** All rows of a group: each of a leaf's four bytes is looked up among the trees' bytes of that place, and they are put together. */
function byBytes(b: KernelBuilder, buffers: Record<string, Buffer>, context: LowerContext, heaps: TreeHeaps, size: Size): BlockLeaves {
  const { lanes, groups } = size;
  const { depth } = heaps;
  const bytes = 4 * lanes;
  const type = vector("u8", bytes);
  const tables = Math.max(1, 2 ** depth / TABLE);
  const each = 4 * tables * TABLE;
  const data = bytePlanes(heaps, tables * TABLE);
  b.param("leaves", "u8", data.length, "in");
  buffers["leaves"] = context.weights("u8", data);
  const [leaf, sums, planes] = [b.cursor("l", "leaves"), b.cursor("s", "sums"), b.cursor("q", "planes", 0, "i32")];
  const perVector = bytes / TABLE;
  const tableAt = (n: number): Term => {
    const held = b.load(type, leaf, Math.floor(n / perVector) * bytes);
    if (perVector === 1) return held;
    const whole = vector("i64", bytes / 8);
    const lane = (n % perVector) * 2;
    const spread = b.op(
      "shuffle",
      whole,
      [b.op("bitcast", whole, [held])],
      Array.from({ length: bytes / 8 }, (_, i) => lane + (i % 2)),
    );
    return b.op("bitcast", type, [spread]);
  };
  const emit = (): void => {
    for (let group = 0; group < groups; group++) {
      const code = codes(b, planes, depth, size, group);
      const low = depth > 4 ? b.let("i", b.and(code, b.constant(type, TABLE - 1))) : b.and(code, b.constant(type, TABLE - 1));
      const high = Array.from({ length: Math.log2(tables) }, (_, i) => b.compare("ne", b.and(code, b.constant(type, TABLE * 2 ** i)), b.constant(type, 0)));
      const masks = high.map((mask) => b.let("m", mask));
      const byte = (q: number): Term => {
        let found = Array.from({ length: tables }, (_, i) => b.let("b", b.op("lookup8", type, [tableAt(q * tables + i), low], [TABLE])));
        for (const mask of masks) found = Array.from({ length: found.length / 2 }, (_, i) => b.let("b", b.select(mask, found[2 * i + 1]!, found[2 * i]!)));
        return found[0]!;
      };
      const [b0, b1, b2, b3] = [byte(0), byte(1), byte(2), byte(3)];
      const halves = [0, 1].map((half) => [interleave(b, b0, b1, half), interleave(b, b2, b3, half)] as const);
      halves.forEach(([low, high], half) => {
        for (const part of [0, 1]) {
          const [x, y] = [low, high].map((term) => b.op("bitcast", vector("i16", bytes / 2), [term])) as [Term, Term];
          const value = b.op("bitcast", vector("f32", lanes), [interleave(b, x, y, part)]);
          const at = group * bytes + (2 * half + part) * lanes;
          b.store(sums, at, b.add(b.load(vector("f32", lanes), sums, at), value));
        }
      });
    }
  };
  // What is put together in each sixteen bytes stands in one vector for all of them.
  const place = (row: number): number => {
    const [vectorAt, quarter, lane] = [Math.floor((row % bytes) / lanes), Math.floor((row % lanes) / 4), row % 4];
    return row - (row % bytes) + 16 * quarter + 4 * vectorAt + lane;
  };
  return { leaf, each, sums, places: Uint16Array.from({ length: groups * bytes }, (_, row) => place(row)), emit };
}

const TABLE = 16;

/** By tree: the first bytes of all its leaves, the second ones, and so on. */
function bytePlanes({ leaves, depth }: TreeHeaps, width: number): Uint8Array {
  const size = 2 ** depth;
  const from = new Uint8Array(leaves.buffer, leaves.byteOffset, leaves.byteLength);
  const data = new Uint8Array((leaves.length / size) * width * 4);
  for (let i = 0; i < leaves.length; i++) {
    const start = Math.floor(i / size) * width * 4 + (i % size);
    for (let q = 0; q < 4; q++) data[start + q * width] = from[4 * i + q]!;
  }
  return data;
}

/** Elements of a and b in turn, of the lower or the upper half of each sixteen bytes. */
function interleave(b: KernelBuilder, x: Term, y: Term, half: number): Term {
  const type = x.type as { readonly elem: "u8" | "i16"; readonly lanes: number };
  const each = type.elem === "u8" ? 16 : 8;
  const lanes = Array.from({ length: type.lanes }, (_, i) => {
    const at = Math.floor(i / each) * each + (half * each) / 2 + Math.floor((i % each) / 2);
    return i % 2 === 0 ? at : at + type.lanes;
  });
  return b.let("z", b.op("shuffle", type, [x, y], lanes));
}
