import { scalar, vector, type Advance, type KernelBuilder, type Term } from "../../kernel/build.ts";
import { expFast, tanhFast } from "../../kernel/expand.ts";
import type { Elem, Type } from "../../kernel/kernel.ts";

/** What happens to a score between the product and the softmax. */
export interface ScoreRules {
  /** 0: none. */
  readonly softcap: number;
  /** Added to the scores, or, of bytes, true where a key may be seen. Steps in elements: by batch, key head, head of it, query and key. */
  readonly mask:
    { readonly elem: Elem; readonly size: number; readonly steps: readonly [batch: number, kv: number, head: number, query: number, key: number] } | undefined;
  /** Query i sees key t if positions[t] <= positions[i] + offset. */
  readonly causal: { readonly size: number; readonly offset: number } | undefined;
}

export interface ScoreTile {
  readonly keys: number;
  readonly pitch: number;
  /** The first query of the first tile, and queries in each. */
  readonly start: number;
  readonly size: number;
}

/**
 * Rows of scores in the parameter `scores`, turned into weights that sum to 1: rules first, then exp(score - greatest) / sum. What
 * lies behind the last key becomes 0. A row that sees no key becomes 0.
 */
export class SoftmaxRows {
  private readonly b: KernelBuilder;
  private readonly elem: Elem;
  private readonly lanes: number;
  private readonly rules: ScoreRules;
  private readonly tile: ScoreTile;
  /** Row cursors: the scores, the mask, the query's position. */
  private readonly scores: string;
  private readonly mask: string | undefined;
  private readonly query: string | undefined;

  constructor(b: KernelBuilder, type: Type, rules: ScoreRules, tile: ScoreTile) {
    this.b = b;
    [this.elem, this.lanes] = "mask" in type ? ["f32", 1] : [type.elem, type.lanes];
    this.rules = rules;
    this.tile = tile;
    this.scores = b.cursor("s", "scores");
    this.mask = rules.mask && b.cursor("m", "mask", tile.start * rules.mask.steps[3]);
    this.query = rules.causal && b.cursor("p", "positions", tile.start);
  }

  /** Elements the cursors move in the loops over batches, key heads, heads of it and tiles. */
  advance(axis: number): Advance {
    const { mask } = this.rules;
    const step = mask && (axis === 3 ? mask.steps[3] * this.tile.size : mask.steps[axis]!);
    return { ...(this.mask && step !== undefined ? { [this.mask]: step } : {}), ...(this.query && axis === 3 ? { [this.query]: this.tile.size } : {}) };
  }

  emit(): void {
    const { b, tile, rules } = this;
    const rows: Record<string, number> = { [this.scores]: tile.pitch };
    if (this.mask) rows[this.mask] = rules.mask!.steps[3];
    if (this.query) rows[this.query] = 1;
    const body = (): void => {
      if (rules.softcap || this.mask || this.query) this.applyRules();
      for (let t = tile.keys; t < tile.pitch; t++) b.store(this.scores, t, b.constant(scalar(this.elem), -Infinity));
      this.normalise();
    };
    if (tile.size === 1) body();
    else b.loop("r", tile.size, rows, body);
  }

  private applyRules(): void {
    const { b, tile, rules, lanes } = this;
    const whole = Math.floor(tile.keys / lanes);
    const rest = tile.keys - whole * lanes;
    const part = (width: number, trips: number, first: number): void => {
      if (trips === 0) return;
      const type = vector(this.elem, width);
      const score = this.scores;
      const positions = this.query ? b.cursor("t", "positions", first) : undefined;
      const limit = this.query ? b.let("q", b.add(b.splat(type, this.query), b.constant(type, rules.causal!.offset))) : undefined;
      const keyStep = rules.mask?.steps[4] ?? 0;
      const advance: Record<string, number> = { [score]: width };
      if (this.mask) advance[this.mask] = width * keyStep;
      if (positions) advance[positions] = width;
      const body = (): void => {
        let x = b.let("x", b.load(type, score, first));
        if (rules.softcap) x = b.let("x", b.mul(tanhFast(b, b.mul(x, b.constant(type, 1 / rules.softcap))), b.constant(type, rules.softcap)));
        if (this.mask) x = this.masked(type, x, this.mask, first * keyStep, keyStep);
        if (positions) x = b.select(b.compare("le", b.load(type, positions), limit!), x, b.constant(type, -Infinity));
        b.store(score, first, x);
      };
      if (trips === 1) body();
      else b.loop("v", trips, advance, body);
    };
    part(lanes, whole, 0);
    part(1, rest, whole * lanes);
  }

  private masked(type: Type, x: Term, mask: string, offset: number, keyStep: number): Term {
    const { b } = this;
    const width = "mask" in type ? 1 : type.lanes;
    const none = b.constant(type, -Infinity);
    if (this.rules.mask!.elem !== "u8") {
      const added = keyStep === 0 ? b.splat(type, mask, offset) : b.load(type, mask, offset);
      const held = b.let("m", added);
      return b.select(b.compare("eq", held, none), none, b.add(x, held));
    }
    const words = vector("i32", width);
    const bytes =
      width === 1
        ? b.load(scalar("u8"), mask, offset)
        : keyStep === 0
          ? b.op("splatScalar", words, [b.load(scalar("u8"), mask, offset)])
          : b.widen(words, vector("u8", width), mask, offset);
    return b.select(b.compare("ne", bytes, b.constant(words, 0)), x, none);
  }

  private normalise(): void {
    const { b, tile, lanes, scores } = this;
    const type = vector(this.elem, lanes);
    const vectors = tile.pitch / lanes;
    const over = (stem: string, body: () => void): void => (vectors === 1 ? body() : b.loop(stem, vectors, { [scores]: lanes }, body));
    const top = b.let("top", b.load(type, scores));
    over("v", () => b.set(top, b.pmax(top, b.load(type, scores))));
    this.acrossLanes(top, (x, y) => b.pmax(x, y));
    // Of a row that sees no key the greatest is -inf: any other number makes its weights 0.
    b.set(top, b.pmax(top, b.constant(type, -3.4e38)));
    const sum = b.let("sum", b.constant(type, 0));
    over("v", () => {
      const weight = b.let("e", expFast(b, b.sub(b.load(type, scores), top)));
      b.set(sum, b.add(sum, weight));
      b.store(scores, 0, weight);
    });
    this.acrossLanes(sum, (x, y) => b.add(x, y));
    const factor = b.let("f", b.div(b.constant(type, 1), b.pmax(sum, b.constant(type, 1e-37))));
    over("v", () => b.store(scores, 0, b.mul(b.load(type, scores), factor)));
  }

  /** The combination of all lanes in each. */
  private acrossLanes(held: Term, combine: (x: Term, y: Term) => Term): void {
    for (let distance = this.lanes / 2; distance >= 1; distance /= 2) {
      const swapped = this.b.op(
        "shuffle",
        held.type,
        [held],
        Array.from({ length: this.lanes }, (_, i) => i ^ distance),
      );
      this.b.set(held, combine(held, swapped));
    }
  }
}
