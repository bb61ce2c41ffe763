import { checkLimit, DEFAULT_LIMITS } from "../../support/limits.ts";
import type { Scanner } from "../../support/scanner.ts";
import { OPS, type At, type Cursor, type Expr, type Kernel, type OpName, type Param, type Stmt, type Trips, type Type } from "../kernel.ts";
import { readText, type Problems } from "./read-text.ts";
import { parseElem, parseInteger, parseName, parseNumber, parseType } from "./words.ts";

/** A kernel, unverified. Throws NEO2070 for what is no grammar, NEO2071 for names that are declared twice or not at all. */
export function parseKernel(text: string, file = "input.kir"): Kernel {
  return readText(text, file, (scanner, problems) => new KernelParser(scanner, file, problems).kernel());
}

/** Loops and expressions nest no deeper. */
const LIMITS = { ...DEFAULT_LIMITS, depth: 512 };

const OP_WORD = new RegExp(`(?:${[...OPS].sort((a, b) => b.length - a.length).join("|")})(?!\\w)`, "y");

export class KernelParser {
  private readonly scanner: Scanner;
  private readonly file: string;
  private readonly problems: Problems;
  private readonly params: Param[] = [];
  private readonly cursors: Record<string, Cursor> = Object.create(null) as Record<string, Cursor>;
  private readonly registers: Record<string, Type> = Object.create(null) as Record<string, Type>;
  private depth = 0;

  constructor(scanner: Scanner, file: string, problems: Problems) {
    this.scanner = scanner;
    this.file = file;
    this.problems = problems;
  }

  kernel(): Kernel {
    const { scanner } = this;
    scanner.expect("kernel");
    scanner.expect("@");
    const name = parseName(scanner, "the name of a kernel");
    scanner.expect("lanes");
    const lanes = parseInteger(scanner, "a number of lanes");
    const mode = scanner.match(/(?:fast|exact)(?!\w)/y, "fast or exact") as "fast" | "exact";
    scanner.expect("{");
    const loc = this.word("loc") ? this.commaList(() => scanner.string()) : [];
    this.declarations();
    const body = this.statements();
    return { name, lanes, mode, params: this.params, cursors: { ...this.cursors }, registers: { ...this.registers }, body, loc };
  }

  private word(word: string): boolean {
    return this.scanner.tryMatch(new RegExp(`${word}(?!\\w)`, "y")) !== undefined;
  }

  private commaList<T>(item: () => T): T[] {
    const items = [item()];
    while (this.scanner.accept(",")) items.push(item());
    return items;
  }

  private declarations(): void {
    for (;;) {
      const access = this.scanner.tryMatch(/(?:inout|in|out)(?!\w)/y);
      if (access) this.param(access as Param["access"]);
      else if (this.word("cursor")) this.cursor();
      else if (this.word("reg")) this.registersOfType();
      else return;
    }
  }

  private declare(at: number, name: string, table: object): string {
    if (Object.hasOwn(table, name)) this.problems.add(at, `${name} is declared twice`);
    return name;
  }

  private param(access: Param["access"]): void {
    const { scanner } = this;
    const at = this.here();
    const name = parseName(scanner, "the name of a parameter");
    if (this.params.some((param) => param.name === name)) this.problems.add(at, `${name} is declared twice`);
    scanner.expect(":");
    const elem = parseElem(scanner);
    scanner.expect("[");
    const size = parseInteger(scanner, "a number of elements");
    scanner.expect("]");
    if (!this.word("range")) return void this.params.push({ name, elem, size, access });
    const low = Number(parseNumber(scanner));
    scanner.expect("..");
    this.params.push({ name, elem, size, access, range: [low, Number(parseNumber(scanner))] });
  }

  private cursor(): void {
    const { scanner } = this;
    const name = this.declare(this.here(), parseName(scanner, "the name of a cursor"), this.cursors);
    scanner.expect("=");
    const at = this.here();
    const param = parseName(scanner, "a parameter");
    scanner.expect("[");
    const base = parseInteger(scanner, "the first element");
    scanner.expect("]");
    const of = this.params.find((p) => p.name === param);
    if (!of) this.problems.add(at, `there is no parameter ${param}`);
    const elem = this.word("as") ? parseElem(scanner) : (of?.elem ?? "u8");
    const steps: Record<string, number> = {};
    if (scanner.isAt("{")) {
      for (const [loop, step] of scanner.list("{", "}", () => this.step()))
        Object.defineProperty(steps, loop, { value: step, enumerable: true, writable: true, configurable: true });
    }
    this.cursors[name] = { param, elem, base, steps };
  }

  private step(): [string, number] {
    const loop = parseName(this.scanner, "a loop");
    this.scanner.expect(":");
    return [loop, parseInteger(this.scanner, "a number of elements")];
  }

  private registersOfType(): void {
    const type = parseType(this.scanner);
    this.commaList(() => {
      const name = this.declare(this.here(), parseName(this.scanner, "the name of a register"), this.registers);
      this.registers[name] = type;
    });
  }

  /** Up to the closing brace, which is passed. */
  private statements(): Stmt[] {
    const body: Stmt[] = [];
    this.enter();
    while (!this.scanner.accept("}")) body.push(this.statement());
    this.depth--;
    return body;
  }

  private enter(): void {
    checkLimit("depth", LIMITS, this.file, "loops and expressions are nested", ++this.depth);
  }

  private statement(): Stmt {
    const { scanner } = this;
    if (scanner.accept("%")) {
      const reg = this.registerName();
      scanner.expect("=");
      return { kind: "set", reg, value: this.expression() };
    }
    if (this.word("store")) {
      const type = parseType(scanner);
      const at = this.at();
      scanner.expect("=");
      return { kind: "store", type, at, value: this.expression() };
    }
    if (this.word("prefetch")) return { kind: "prefetch", at: this.at() };
    if (this.word("launder")) return { kind: "launder", cursor: this.cursorName() };
    if (this.word("for")) return this.loop();
    return scanner.fail("a statement (%register =, store, for, prefetch, launder) or }");
  }

  private loop(): Stmt {
    const { scanner } = this;
    const name = parseName(scanner, "the name of a loop");
    const trips = this.trips();
    const mode = (scanner.tryMatch(/(?:serial|unrolled|parallel)(?!\w)/y) ?? "serial") as "serial" | "unrolled" | "parallel";
    scanner.expect("{");
    return { kind: "for", name, trips, mode, body: this.statements() };
  }

  private trips(): Trips {
    const { scanner } = this;
    if (!scanner.accept("ceil(")) return parseInteger(scanner, "trips");
    const extent = parseName(scanner, "an extent");
    scanner.expect("/");
    const per = parseInteger(scanner, "a number");
    scanner.expect(")");
    scanner.expect("max");
    return { extent, per, max: parseInteger(scanner, "the most trips") };
  }

  private at(): At {
    const { scanner } = this;
    const cursor = this.cursorName();
    scanner.expect("[");
    const offset = parseInteger(scanner, "an offset");
    const index = scanner.accept("+") ? this.expression() : undefined;
    scanner.expect("]");
    return index ? { cursor, offset, index } : { cursor, offset };
  }

  private expression(): Expr {
    this.enter();
    const expr = this.expressionHere();
    this.depth--;
    return expr;
  }

  private expressionHere(): Expr {
    const { scanner } = this;
    if (scanner.accept("%")) return { kind: "reg", name: this.registerName() };
    const load = scanner.tryMatch(/(?:load|splat)(?!\w)/y) as "load" | "splat" | undefined;
    if (load) return { kind: load, type: parseType(scanner), at: this.at() };
    if (this.word("widen")) {
      const type = parseType(scanner);
      scanner.expect("of");
      return { kind: "widen", type, from: parseType(scanner), at: this.at() };
    }
    const op = scanner.tryMatch(OP_WORD) as OpName | undefined;
    if (!op) return { kind: "const", type: parseType(scanner), value: parseNumber(scanner) };
    const type = parseType(scanner);
    const args = scanner.list("(", ")", () => this.expression());
    if (!scanner.isAt("[")) return { kind: "op", op, type, args };
    return { kind: "op", op, type, args, imm: scanner.list("[", "]", () => parseInteger(scanner, "an immediate")) };
  }

  private registerName(): string {
    const at = this.here();
    const name = parseName(this.scanner, "a register");
    if (!Object.hasOwn(this.registers, name)) this.problems.add(at, `there is no register ${name}`);
    return name;
  }

  private cursorName(): string {
    const at = this.here();
    const name = parseName(this.scanner, "a cursor");
    if (!Object.hasOwn(this.cursors, name)) this.problems.add(at, `there is no cursor ${name}`);
    return name;
  }

  private here(): number {
    this.scanner.skip();
    return this.scanner.at;
  }
}
