import { withAdvances, type AdvancedStmt } from "../../kernel/advance.ts";
import { isMask } from "../../kernel/build.ts";
import type { Kernel, Param, Stmt, Trips, Type } from "../../kernel/kernel.ts";
import { accessesOf, expressionsOf, extentNames, walkExpression, walkStatements } from "../../kernel/walk.ts";
import { ExpressionPrinter } from "./expression.ts";
import { identifier, typeName } from "./names.ts";
import type { Support } from "./support.ts";

/** Prints one function with a comment of its parameters and the nodes it stands for. */
export function printKernel(kernel: Kernel, support: Support, linkage: "static" | "HIDDEN"): string {
  return new KernelPrinter(kernel, support).print(linkage);
}

/** "void name(const f32 *x, f32 *y, i32 n)" */
export function kernelPrototype(kernel: Kernel): string {
  const params = kernel.params.map((param) => `${qualifier(param)}${param.elem} *${identifier(param.name)}`);
  const extents = extentNames(kernel).map((name) => `i32 ${identifier(name)}`);
  return `void ${identifier(kernel.name)}(${[...params, ...extents].join(", ") || "void"})`;
}

function qualifier(param: Param): string {
  return param.access === "in" ? "const " : "";
}

class KernelPrinter {
  private readonly kernel: Kernel;
  private readonly support: Support;
  private readonly expressions: ExpressionPrinter;
  private readonly lines: string[] = [];
  /** Cursors that some access goes through and registers that are read: compilers warn of others. */
  private readonly used: ReadonlySet<string>;

  constructor(kernel: Kernel, support: Support) {
    this.kernel = kernel;
    this.used = usedNames(kernel.body);
    this.support = support;
    this.expressions = new ExpressionPrinter(kernel, support);
  }

  print(linkage: "static" | "HIDDEN"): string {
    for (const param of this.kernel.params) this.support.type(param.elem);
    if (extentNames(this.kernel).length > 0) this.support.type("i32");
    this.declareCursors();
    this.declareRegisters();
    this.statements(withAdvances(this.kernel), "  ");
    const moved = new Set(
      Object.entries(this.kernel.cursors)
        .filter(([name]) => this.used.has(name))
        .map(([, cursor]) => cursor.param),
    );
    const unused = this.kernel.params.filter((param) => !moved.has(param.name)).map((param) => `  (void)${identifier(param.name)};`);
    const prefix = linkage === "static" ? "static __attribute__((noinline)) " : "HIDDEN ";
    const noinline = linkage === "static" ? "" : "__attribute__((noinline)) ";
    return [this.comment(), `${prefix}${noinline}${kernelPrototype(this.kernel)} {`, ...unused, ...this.lines, "}", ""].join("\n");
  }

  private comment(): string {
    const { params, loc, mode } = this.kernel;
    const list = (access: boolean): string =>
      params
        .filter((p) => (p.access === "in") === access)
        .map((p) => `${p.name} ${p.elem}[${p.size}]`)
        .join(", ");
    const nodes = loc.slice(0, 6).map(commentText).join(", ") + (loc.length > 6 ? ` and ${loc.length - 6} more` : "");
    return `/* ${commentText(`${list(true)}${list(true) ? " -> " : ""}${list(false)}`)}${mode === "exact" ? ", exact" : ""}${nodes ? `\n   ${nodes}` : ""} */`;
  }

  private declareCursors(): void {
    for (const [name, cursor] of Object.entries(this.kernel.cursors)) {
      if (!this.used.has(name)) continue;
      const param = this.kernel.params.find((p) => p.name === cursor.param)!;
      const type = `${qualifier(param)}${this.support.type(cursor.elem)} *`;
      const cast = cursor.elem === param.elem ? "" : `(${type})`;
      const start = `${cast}${identifier(param.name)}`;
      this.lines.push(`  ${type}${identifier(name)} = ${start}${cursor.base ? ` + ${cursor.base}` : ""};`);
    }
  }

  /** One line for the registers of a type, as they come. */
  private declareRegisters(): void {
    const byType = new Map<string, string[]>();
    for (const [name, type] of Object.entries(this.kernel.registers)) {
      if (!this.used.has(name)) continue;
      const key = this.typeOfRegister(type);
      byType.set(key, [...(byType.get(key) ?? []), identifier(name)]);
    }
    for (const [type, names] of byType) {
      for (let i = 0; i < names.length; i += 16) this.lines.push(`  ${type} ${names.slice(i, i + 16).join(", ")};`);
    }
  }

  private typeOfRegister(type: Type): string {
    return this.support.type(isMask(type) && type.mask === 1 ? "i32" : typeName(type, this.kernel.lanes));
  }

  private statements(body: readonly AdvancedStmt[], indent: string): void {
    for (const stmt of body) this.statement(stmt, indent);
  }

  private statement(stmt: AdvancedStmt, indent: string): void {
    switch (stmt.kind) {
      case "set":
        if (this.used.has(stmt.reg)) this.lines.push(`${indent}${identifier(stmt.reg)} = ${this.expressions.print(stmt.value)};`);
        return;
      case "store":
        this.lines.push(`${indent}${this.expressions.place(stmt.type, stmt.at, true)} = ${this.expressions.print(stmt.value)};`);
        return;
      case "prefetch":
        this.lines.push(`${indent}__builtin_prefetch(${this.expressions.address(stmt.at)}, 0, 2);`);
        return;
      case "launder":
        this.lines.push(`${indent}__asm__("" : "+r"(${identifier(stmt.cursor)}));`);
        return;
      case "advance":
        if (this.used.has(stmt.cursor)) this.lines.push(`${indent}${identifier(stmt.cursor)} ${advanceText(stmt.by, stmt.times)};`);
        return;
      case "for": {
        const i = identifier(stmt.name);
        this.lines.push(`${indent}for (int ${i} = 0; ${i} < ${tripsText(stmt.trips)}; ${i}++) {`);
        this.statements(stmt.body, `${indent}  `);
        this.lines.push(`${indent}}`);
        return;
      }
    }
  }
}

/** Words from the user's files, fit for a comment. */
export function commentText(text: string): string {
  const clean = text
    .replaceAll("*/", "* /")
    .replaceAll("/*", "/ *")
    .replace(/[^\x20-\x7e]/g, "?")
    .replaceAll("??", "? ?");
  return clean.length > 200 ? `${clean.slice(0, 200)}...` : clean;
}

function usedNames(body: readonly Stmt[]): Set<string> {
  const names = new Set<string>();
  walkStatements(body, (stmt) => {
    for (const access of accessesOf(stmt)) names.add(access.at.cursor);
    for (const root of expressionsOf(stmt)) walkExpression(root, (expr) => void (expr.kind === "reg" && names.add(expr.name)));
  });
  return names;
}

function advanceText(by: number, times: Trips | undefined): string {
  const operator = by < 0 ? "-=" : "+=";
  const distance = Math.abs(by);
  if (times === undefined) return `${operator} ${distance}`;
  return `${operator} ${distance === 1 ? "" : `${distance} * `}(${tripsText(times)})`;
}

function tripsText(trips: Trips): string {
  if (typeof trips === "number") return String(trips);
  const extent = identifier(trips.extent);
  return trips.per === 1 ? extent : `(${extent} + ${trips.per - 1}) / ${trips.per}`;
}
