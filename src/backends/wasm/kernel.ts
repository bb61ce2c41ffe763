import { withAdvances, type AdvancedStmt } from "../../kernel/advance.ts";
import { isMask } from "../../kernel/build.ts";
import { ELEM_BYTES, type Kernel, type Trips, type Type } from "../../kernel/kernel.ts";
import { extentNames } from "../../kernel/walk.ts";
import type { BinaryenApi, Module, Ref } from "./binaryen.ts";
import { ExpressionEmitter } from "./expression.ts";
import { localTypeOf } from "./lanes.ts";
import { Locals, type LocalType } from "./locals.ts";

type For = Extract<AdvancedStmt, { kind: "for" }>;

/** Adds one function: parameters are i32 base addresses, then i32 extents. */
export function emitKernel(api: BinaryenApi, module: Module, kernel: Kernel, relaxed: boolean): void {
  new KernelEmitter(api, module, kernel, relaxed).emit();
}

class KernelEmitter {
  private readonly api: BinaryenApi;
  private readonly m: Module;
  private readonly kernel: Kernel;
  private readonly locals: Locals;
  private readonly expressions: ExpressionEmitter;
  private labels = 0;

  constructor(api: BinaryenApi, module: Module, kernel: Kernel, relaxed: boolean) {
    this.api = api;
    this.m = module;
    this.kernel = kernel;
    this.locals = new Locals(api, module, [...kernel.params.map((param) => `p:${param.name}`), ...extentNames(kernel).map((name) => `n:${name}`)]);
    this.expressions = new ExpressionEmitter({ api, module, kernel, locals: this.locals, relaxed });
  }

  emit(): void {
    const { m, kernel, locals, api } = this;
    const starts = Object.entries(kernel.cursors).map(([name, cursor]) => {
      locals.add(`c:${name}`, "i32");
      return locals.set(`c:${name}`, this.plus(locals.get(`p:${cursor.param}`), cursor.base * ELEM_BYTES[cursor.elem]));
    });
    for (const [name, type] of Object.entries(kernel.registers)) locals.add(`r:${name}`, localType(type));
    const body = m.block(null, [...starts, ...this.statements(withAdvances(kernel))]);
    const params = api.createType([...kernel.params, ...extentNames(kernel)].map(() => api.i32));
    m.addFunction(kernel.name, params, api.none, locals.declared(), body);
  }

  private statements(body: readonly AdvancedStmt[]): Ref[] {
    return body.flatMap((stmt) => this.statement(stmt));
  }

  private statement(stmt: AdvancedStmt): Ref[] {
    switch (stmt.kind) {
      case "set":
        return [this.locals.set(`r:${stmt.reg}`, this.expressions.emit(stmt.value))];
      case "store":
        return [this.expressions.store(stmt.type, stmt.at, this.expressions.emit(stmt.value))];
      case "advance":
        return [this.move(stmt.cursor, stmt.by, stmt.times)];
      case "for":
        return this.loop(stmt);
      // Engines do neither look ahead for us nor keep addresses apart.
      case "prefetch":
      case "launder":
        return [];
    }
  }

  private move(cursor: string, by: number, times: Trips | undefined): Ref {
    const bytes = by * this.bytesOf(cursor);
    const distance = times === undefined ? this.m.i32.const(bytes) : this.m.i32.mul(this.trips(times), this.m.i32.const(bytes));
    return this.locals.set(`c:${cursor}`, this.m.i32.add(this.locals.get(`c:${cursor}`), distance));
  }

  /**
   * do { body } while (cursor != end), with the first cursor that the loop moves forward; a counter where none does. A loop of one
   * iteration is its body. A loop that may have none stands behind a guard.
   */
  private loop(stmt: For): Ref[] {
    const { m, locals } = this;
    if (stmt.trips === 1) return this.statements(stmt.body);
    const [cursor, record] = Object.entries(this.kernel.cursors).find(([, c]) => (c.steps[stmt.name] ?? 0) > 0) ?? [];
    const label = `${stmt.name}_${this.labels++}`;
    const end = locals.temporary("i32");
    const loop = (start: Ref[], again: Ref[]): Ref[] => [...start, m.loop(label, m.block(null, [...this.statements(stmt.body), ...again]))];
    let parts: Ref[];
    if (cursor === undefined) {
      parts = loop([m.local.set(end, this.trips(stmt.trips))], [m.br_if(label, m.local.tee(end, m.i32.sub(locals.at(end), m.i32.const(1)), this.api.i32))]);
    } else {
      const step = record!.steps[stmt.name]! * this.bytesOf(cursor);
      const distance = typeof stmt.trips === "number" ? m.i32.const(stmt.trips * step) : m.i32.mul(this.trips(stmt.trips), m.i32.const(step));
      parts = loop([m.local.set(end, m.i32.add(locals.get(`c:${cursor}`), distance))], [m.br_if(label, m.i32.ne(locals.get(`c:${cursor}`), locals.at(end)))]);
    }
    return typeof stmt.trips === "number" ? parts : [m.if(m.i32.gt_s(this.trips(stmt.trips), m.i32.const(0)), m.block(null, parts))];
  }

  private trips(trips: Trips): Ref {
    const { m } = this;
    if (typeof trips === "number") return m.i32.const(trips);
    const extent = this.locals.get(`n:${trips.extent}`);
    return trips.per === 1 ? extent : m.i32.div_s(this.plus(extent, trips.per - 1), m.i32.const(trips.per));
  }

  private plus(base: Ref, bytes: number): Ref {
    return bytes === 0 ? base : this.m.i32.add(base, this.m.i32.const(bytes));
  }

  private bytesOf(cursor: string): number {
    return ELEM_BYTES[this.kernel.cursors[cursor]!.elem];
  }
}

function localType(type: Type): LocalType {
  return localTypeOf(isMask(type) ? { elem: "i32", lanes: type.mask } : type);
}
