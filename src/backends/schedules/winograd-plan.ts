import type { TargetProfile } from "../../target/profile.ts";
import type { Layout } from "../layout.ts";
import { planContraction, type Contraction, type Plan } from "./contraction.ts";
import { NO_ACTIVATION, type Activation } from "./epilogue.ts";
import { channelVectors } from "./image-nest.ts";
import { cutEvenly } from "./tile.ts";
import type { WinogradSize } from "./winograd-transform.ts";

export interface WinogradProblem {
  readonly name: string;
  readonly loc: readonly string[];
  readonly target: TargetProfile;
  readonly m: WinogradSize;
  readonly x: Layout;
  readonly y: Layout;
  readonly residual: Layout | undefined;
  /** Padding above and to the left. */
  readonly before: readonly [number, number];
  /** A light one. */
  readonly activation: Activation;
}

/** Rows of tiles that are transformed, multiplied and transformed back together; `partial`: rows that the last of them really has. */
export interface Strip {
  readonly start: number;
  readonly rows: number;
  readonly count: number;
  readonly partial: number | undefined;
}

export interface WinogradPlan {
  readonly strips: readonly Strip[];
  readonly tilesAcross: number;
  /** Tiles in the largest strip. */
  readonly tiles: number;
  /** Elements from one point of the transformed domain to the next, of inputs and products. */
  readonly inputPitch: number;
  readonly productPitch: number;
  /** The products of a strip by its rows; all read the same packed weights. */
  readonly products: ReadonlyMap<number, { readonly c: Contraction; readonly plan: Plan }>;
}

/** Pitches that aren't a multiple of 4 KiB keep the points of a tile apart in the cache. */
const PITCH_MARGIN = 16;

export function planWinograd(p: WinogradProblem): WinogradPlan {
  const { lanes, blocks, parts } = channelVectors(p.x, p.target);
  const outputs = channelVectors(p.y, p.target);
  const [down, across] = [Math.ceil(p.y.shape[2]! / p.m), Math.ceil(p.y.shape[3]! / p.m)];
  const points = (p.m + 2) ** 2;
  const perTile = points * 4 * lanes * (blocks * parts + outputs.blocks * outputs.parts);
  const most = Math.max(1, Math.floor(p.target.l2Bytes / 2 / perTile / across));
  const strips = stripsOf(down, most, p.y.shape[2]! - (down - 1) * p.m, p.m);
  const tiles = Math.max(...strips.map((strip) => strip.rows)) * across;
  const inputPitch = tiles * blocks * parts * lanes + PITCH_MARGIN;
  const productPitch = tiles * outputs.blocks * outputs.parts * lanes + PITCH_MARGIN;
  const products = new Map<number, { c: Contraction; plan: Plan }>();
  let shared: Plan | undefined;
  for (const { rows } of strips) {
    if (products.has(rows)) continue;
    const c = product(p, rows * across, tiles, inputPitch, productPitch);
    const plan = planContraction(c, p.target, shared?.tile.nv);
    shared ??= plan;
    products.set(rows, { c, plan });
  }
  return { strips, tilesAcross: across, tiles, inputPitch, productPitch, products };
}

function stripsOf(down: number, most: number, lastRows: number, m: number): Strip[] {
  const strips: Strip[] = cutEvenly(down, most).map((cut) => ({ start: cut.start, rows: cut.size, count: cut.count, partial: undefined }));
  if (lastRows === m) return strips;
  const last = strips.pop()!;
  if (last.count > 1) strips.push({ ...last, count: last.count - 1 });
  strips.push({ start: last.start + (last.count - 1) * last.rows, rows: last.rows, count: 1, partial: lastRows });
  return strips;
}

/** products[point, tile, cout] = Σ inputs[point, tile, cin] * weights[point, cout, cin]; channels in vectors, tiles next to each other. */
function product(p: WinogradProblem, tiles: number, mostTiles: number, inputPitch: number, productPitch: number): Contraction {
  const { lanes } = channelVectors(p.x, p.target);
  const [cin, cout] = [p.x.shape[1]!, p.y.shape[1]!];
  const points = (p.m + 2) ** 2;
  const [whole, rest] = [Math.floor(cin / lanes), cin % lanes];
  const channel = (trips: number) => ({ stem: "c", trips, a: 1, source: 1 });
  return {
    name: p.name,
    loc: p.loc,
    elem: "f32",
    lanes,
    a: { size: points * inputPitch, base: 0 },
    y: { size: points * productPitch, base: 0, block: lanes, stride: mostTiles * lanes },
    outer: [{ stem: "xi", trips: points, a: inputPitch, y: productPitch, residual: 0, source: cin * cout, bias: 0 }],
    rows: { trips: 1, a: 0, y: 0, residual: 0 },
    cols: { trips: tiles, a: lanes, y: lanes, residual: 0 },
    columns: cout,
    columnSource: cin,
    exact: false,
    hasBias: false,
    reduction: [
      ...(whole ? [{ a: 0, source: 0, loops: [{ stem: "cb", trips: whole, a: mostTiles * lanes, source: lanes }, channel(lanes)] }] : []),
      ...(rest ? [{ a: whole * mostTiles * lanes, source: whole * lanes, loops: [channel(rest)] }] : []),
    ],
    activation: NO_ACTIVATION,
    overlapping: false,
  };
}

/** Sizes of the scratch tensors in elements. */
export function winogradScratch(p: WinogradProblem, plan: WinogradPlan): { readonly inputs: number; readonly products: number; readonly square: number } {
  const side = p.m + 2;
  return { inputs: side * side * plan.inputPitch, products: side * side * plan.productPitch, square: side * side * channelVectors(p.x, p.target).lanes };
}
