import { KernelBuilder, vector } from "../../kernel/build.ts";
import { ELEM_BYTES, type Kernel, type Type } from "../../kernel/kernel.ts";
import type { TargetProfile } from "../../target/profile.ts";
import { ContractionBody } from "./contraction-kernel.ts";
import { columnLanes, planContraction, type Contraction, type OuterAxis, type Plan } from "./contraction.ts";
import { NO_ACTIVATION } from "./epilogue.ts";
import { SoftmaxRows, type ScoreRules } from "./softmax-rows.ts";
import { cutEvenly, type Cut } from "./tile.ts";
import { panelLayout } from "./weight-panels.ts";

export interface AttentionProblem {
  readonly name: string;
  readonly loc: readonly string[];
  readonly target: TargetProfile;
  readonly elem: "f32" | "f64";
  readonly batch: number;
  /** Heads of k and v, and heads of q for each of them. */
  readonly heads: number;
  readonly perHead: number;
  readonly queries: number;
  readonly keys: number;
  readonly depth: number;
  readonly valueDepth: number;
  readonly sizes: { readonly q: number; readonly v: number; readonly y: number };
  readonly rules: ScoreRules;
}

/** Rows of scores are made, normalised and used while they are in the first-level cache. */
export interface AttentionPlan {
  readonly pitch: number;
  readonly rows: readonly Cut[];
  /** By entry of `rows`: q times keys, and scores times values. */
  readonly parts: readonly { readonly scores: Part; readonly values: Part }[];
}

interface Part {
  readonly c: Contraction;
  readonly plan: Plan;
}

/** Share of the first-level cache for the scores of a tile of rows. */
const SCORE_SHARE = 1 / 2;

export function planAttention(p: AttentionProblem): AttentionPlan {
  const lanes = columnLanes(p.elem, p.target);
  const pitch = Math.ceil(p.keys / lanes) * lanes;
  const most = Math.max(8, Math.floor((p.target.l1Bytes * SCORE_SHARE) / (pitch * ELEM_BYTES[p.elem])));
  const rows = cutEvenly(p.queries, Math.min(p.queries, most));
  const parts: { scores: Part; values: Part }[] = [];
  for (const cut of rows) {
    // Packed keys and values serve tiles of both sizes.
    const [scores, values] = [scoresOf(p, cut, pitch, rows[0]!), valuesOf(p, cut, pitch, rows[0]!)];
    const width = parts[0] && { scores: parts[0].scores.plan.tile.nv, values: parts[0].values.plan.tile.nv };
    parts.push({
      scores: { c: scores, plan: planContraction(scores, p.target, width?.scores) },
      values: { c: values, plan: planContraction(values, p.target, width?.values) },
    });
  }
  return { pitch, rows, parts };
}

/** Loops that the kernel opens itself: batches, heads of k and v, heads of q for each, tiles of rows. */
function axesOf(p: AttentionProblem, cut: Cut, steps: { readonly a: number; readonly y: number; readonly source: number }): OuterAxis[] {
  const axis = (stem: string, trips: number, rows: number, source: number): OuterAxis => ({
    stem,
    trips,
    a: rows * steps.a,
    y: rows * steps.y,
    residual: 0,
    source,
    bias: 0,
  });
  const perKv = p.perHead * p.queries;
  return [
    axis("n", p.batch, p.heads * perKv, p.heads * steps.source),
    axis("kv", p.heads, perKv, steps.source),
    axis("h", p.perHead, p.queries, 0),
    axis("t", cut.count, cut.size, 0),
  ];
}

function scoresOf(p: AttentionProblem, cut: Cut, pitch: number, largest: Cut): Contraction {
  return {
    name: `${p.name}_scores`,
    loc: p.loc,
    elem: p.elem,
    lanes: columnLanes(p.elem, p.target),
    a: { size: p.sizes.q, base: cut.start * p.depth },
    y: { size: largest.size * pitch, base: 0, block: Infinity, stride: 0 },
    outer: axesOf(p, cut, { a: p.depth, y: 0, source: p.keys * p.depth }),
    rows: { trips: 1, a: 0, y: 0, residual: 0 },
    cols: { trips: cut.size, a: p.depth, y: pitch, residual: 0 },
    columns: p.keys,
    columnSource: p.depth,
    exact: false,
    hasBias: false,
    reduction: [{ a: 0, source: 0, loops: [{ stem: "c", trips: p.depth, a: 1, source: 1 }] }],
    activation: NO_ACTIVATION,
    overlapping: false,
  };
}

function valuesOf(p: AttentionProblem, cut: Cut, pitch: number, largest: Cut): Contraction {
  const lanes = columnLanes(p.elem, p.target);
  return {
    name: `${p.name}_values`,
    loc: p.loc,
    elem: p.elem,
    lanes,
    a: { size: largest.size * pitch, base: 0 },
    y: { size: p.sizes.y, base: cut.start * p.valueDepth, block: Infinity, stride: 0 },
    outer: axesOf(p, cut, { a: 0, y: p.valueDepth, source: p.keys * p.valueDepth }),
    rows: { trips: 1, a: 0, y: 0, residual: 0 },
    cols: { trips: cut.size, a: pitch, y: p.valueDepth, residual: 0 },
    columns: p.valueDepth,
    columnSource: 1,
    exact: true,
    hasBias: false,
    reduction: [{ a: 0, source: 0, loops: [{ stem: "c", trips: p.keys, a: 1, source: p.valueDepth }] }],
    ...(p.valueDepth % lanes === 0 ? { direct: { size: p.sizes.v, base: 0 } } : {}),
    activation: NO_ACTIVATION,
    overlapping: false,
  };
}

/** Parameters: q, k (packed), v (packed, unless read directly), mask and positions where the rules have them, y, and the scratch tensor scores. */
export function attentionKernel(p: AttentionProblem, plan: AttentionPlan): Kernel {
  const lanes = columnLanes(p.elem, p.target);
  const type: Type = vector(p.elem, lanes);
  const b = new KernelBuilder(p.name, { lanes, mode: "fast", loc: p.loc });
  const [first] = plan.parts;
  b.param("q", p.elem, p.sizes.q, "in");
  b.param("k", p.elem, panelLayout(first!.scores.c, first!.scores.plan).size, "in");
  b.param("v", p.elem, first!.values.c.direct?.size ?? panelLayout(first!.values.c, first!.values.plan).size, "in");
  if (p.rules.mask) b.param("mask", p.rules.mask.elem, p.rules.mask.size, "in");
  if (p.rules.causal !== undefined) b.param("positions", p.elem, p.rules.causal.size, "in");
  b.param("y", p.elem, p.sizes.y, "out");
  b.param("scores", p.elem, first!.scores.c.y.size, "inout");

  const tiles = plan.rows.map((cut, i) => {
    const { scores, values } = plan.parts[i]!;
    return {
      cut,
      scores: new ContractionBody(b, scores.c, scores.plan, { x: "q", w: "k", y: "scores" }, 4),
      softmax: new SoftmaxRows(b, type, p.rules, { keys: p.keys, pitch: plan.pitch, start: cut.start, size: cut.size }),
      values: new ContractionBody(b, values.c, values.plan, { x: "scores", w: "v", y: "y" }, 4),
    };
  });
  type Tile = (typeof tiles)[number];
  const advance = (over: readonly Tile[], axis: number): Record<string, number> =>
    Object.assign({}, ...over.flatMap((tile) => [tile.scores.advance(axis), tile.softmax.advance(axis), tile.values.advance(axis)]));
  const loop = (stem: string, trips: number, over: readonly Tile[], axis: number, body: () => void): void =>
    trips === 1 ? body() : b.loop(stem, trips, advance(over, axis), body);
  loop("n", p.batch, tiles, 0, () =>
    loop("kv", p.heads, tiles, 1, () =>
      loop("h", p.perHead, tiles, 2, () => {
        for (const tile of tiles) {
          loop("t", tile.cut.count, [tile], 3, () => {
            tile.scores.emit();
            tile.softmax.emit();
            tile.values.emit();
          });
        }
      }),
    ),
  );
  return b.finish();
}
