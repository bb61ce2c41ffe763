import { I32, KernelBuilder, vector, type Advance, type Term } from "../../src/kernel/build.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { randomUnits } from "./random.ts";

const SIZE = 4096;
const V = vector("f32", 4);

/**
 * A sound kernel of nested loops in all modes but parallel, one of them with an extent `n` of up to 3: i32 scalars and f32 vectors,
 * over inputs `p` and `x`, outputs `q` and `y`, through cursors that step both ways.
 */
export function randomKernel(seed: number): Kernel {
  return new Generator(seed).kernel();
}

class Generator {
  private readonly units: number[];
  private readonly k: KernelBuilder;
  private readonly cursors: { readonly name: string; readonly kind: "p" | "q" | "x" | "y" }[];
  private readonly scalars: Term[] = [];
  private readonly vectors: Term[] = [];
  private used = 0;

  constructor(seed: number) {
    this.units = randomUnits(4000, seed);
    this.k = new KernelBuilder(`random_${seed}`, { lanes: 4, mode: this.below(2) ? "fast" : "exact" });
    this.k.param("p", "i32", SIZE, "in");
    this.k.param("q", "i32", SIZE, "out");
    this.k.param("x", "f32", SIZE, "in");
    this.k.param("y", "f32", SIZE, "out");
    this.cursors = (["p", "q", "x", "y", "p", "y"] as const).map((kind) => ({ name: this.k.cursor("c", kind, SIZE / 2), kind }));
  }

  kernel(): Kernel {
    for (let i = 0; i < 3; i++) {
      this.scalars.push(this.k.let("s", this.k.constant(I32, this.below(9) - 4)));
      this.vectors.push(this.k.let("v", this.k.constant(V, this.below(9) / 4 - 1)));
    }
    this.body(0);
    this.store();
    return this.k.finish();
  }

  private below(limit: number): number {
    return Math.floor(this.units[this.used++ % this.units.length]! * limit);
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  private cursor(kind: "p" | "q" | "x" | "y"): string {
    return this.pick(this.cursors.filter((c) => c.kind === kind)).name;
  }

  private body(depth: number): void {
    for (let n = 1 + this.below(3); n > 0; n--) this.statement(depth);
  }

  private statement(depth: number): void {
    const kind = this.below(depth < 4 ? 7 : 3);
    if (kind === 0) this.store();
    else if (kind === 1) this.k.set(this.pick(this.scalars), this.scalar(3));
    else if (kind === 2) this.k.set(this.pick(this.vectors), this.vector(3));
    else this.loop(depth);
  }

  private loop(depth: number): void {
    const advance: Record<string, number> = {};
    for (const { name } of this.cursors) if (this.below(2)) advance[name] = this.below(13) - 6;
    const mode = this.pick(["serial", "serial", "unrolled"] as const);
    const trips = mode === "serial" && this.below(4) === 0 ? { extent: "n", per: 1 + this.below(2), max: 3 } : 1 + this.below(4);
    this.k.loop("l", trips, advance as Advance, () => this.below(5) && this.body(depth + 1), mode);
  }

  private store(): void {
    if (this.below(2)) this.k.store(this.cursor("q"), this.below(8), this.scalar(2), this.index());
    else this.k.store(this.cursor("y"), this.below(8), this.vector(2));
  }

  private index(): Term | undefined {
    return this.below(3) ? undefined : this.k.and(this.scalar(1), this.k.constant(I32, 15));
  }

  private scalar(depth: number): Term {
    const { k } = this;
    const kind = depth === 0 ? this.below(2) : this.below(10);
    const [a, b] = kind < 4 ? [] : [this.scalar(depth - 1), this.scalar(depth - 1)];
    switch (kind) {
      case 0:
        return k.constant(I32, this.below(5) - 2);
      case 1:
      case 2:
        return this.pick(this.scalars);
      case 3:
        return k.load(I32, this.cursor("p"), this.below(8), this.index());
      case 4:
        return k.mul(a!, b!);
      case 5:
        return k.shl(a!, this.below(3));
      case 6:
        return k.select(k.compare("lt", a!, b!), a!, b!);
      case 7:
        return k.pmax(a!, b!);
      default:
        return k.add(a!, b!);
    }
  }

  private vector(depth: number): Term {
    const { k } = this;
    const kind = depth === 0 ? this.below(2) : this.below(9);
    const [a, b] = kind < 4 ? [] : [this.vector(depth - 1), this.vector(depth - 1)];
    switch (kind) {
      case 0:
        return k.constant(V, this.below(9) / 8 - 0.5);
      case 1:
      case 2:
        return this.pick(this.vectors);
      case 3:
        return this.below(2) ? k.load(V, this.cursor("x"), this.below(8)) : k.splat(V, this.cursor("x"), this.below(8));
      case 4:
        return k.madd(a!, b!, this.vector(depth - 1));
      case 5:
        return k.mul(a!, k.constant(V, 1));
      case 6:
        return k.add(k.constant(V, 0.25), k.constant(V, this.below(3)));
      case 7:
        return k.sub(a!, b!);
      default:
        return k.add(a!, b!);
    }
  }
}

export interface Buffers {
  readonly p: Int32Array;
  readonly q: Int32Array;
  readonly x: Float32Array;
  readonly y: Float32Array;
}

export function randomBuffers(seed: number): Buffers {
  const units = randomUnits(SIZE, seed + 1);
  return {
    p: Int32Array.from(units, (u) => Math.floor((u - 0.5) * 100)),
    q: new Int32Array(SIZE),
    x: Float32Array.from(units, (u) => (u - 0.5) * 4),
    y: new Float32Array(SIZE),
  };
}
