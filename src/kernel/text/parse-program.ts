import { isHostCall, type HostCall } from "../../host/host-function.ts";
import { checkLimit, DEFAULT_LIMITS } from "../../support/limits.ts";
import type { Scanner } from "../../support/scanner.ts";
import type { Kernel } from "../kernel.ts";
import type { Call, Extent, Port, Program, Segment, Slice, Step } from "../program.ts";
import { KernelParser } from "./parse-kernel.ts";
import { readText, type Problems } from "./read-text.ts";
import { parseElem, parseInteger, parseName } from "./words.ts";

/** A program and the kernels behind it, unverified. Throws NEO2070 and NEO2071 as `parseKernel` does. */
export function parseProgram(text: string, file = "input.kir"): Program {
  return readText(text, file, (scanner, problems) => new ProgramParser(scanner, file, problems).program());
}

class ProgramParser {
  private readonly scanner: Scanner;
  private readonly file: string;
  private readonly problems: Problems;
  private depth = 0;

  constructor(scanner: Scanner, file: string, problems: Problems) {
    this.scanner = scanner;
    this.file = file;
    this.problems = problems;
  }

  program(): Program {
    const { scanner } = this;
    scanner.expect("program");
    scanner.expect("@");
    const name = parseName(scanner, "the name of a program");
    scanner.expect("arena");
    const arenaBytes = parseInteger(scanner, "the bytes of the arena");
    scanner.expect("state");
    const stateBytes = parseInteger(scanner, "the bytes of the state");
    const stepwise = this.word("stepwise");
    scanner.expect("{");
    const inputs = this.all("input", () => this.port());
    const outputs = this.all("output", () => this.port());
    const segments = this.all("segment", () => this.segment());
    const extents = this.table(this.all("extent", () => this.extent()));
    const steps = this.steps();
    const kernels: Kernel[] = [];
    for (let at = this.here(); at < scanner.text.length; at = this.here()) {
      const kernel = new KernelParser(scanner, this.file, this.problems).kernel();
      if (kernels.some((other) => other.name === kernel.name)) this.problems.add(at, `${kernel.name} is declared twice`);
      kernels.push(kernel);
    }
    return { name, inputs, outputs, steps, kernels, extents, arenaBytes, stateBytes, ...(stepwise ? { stepwise } : {}), segments };
  }

  private word(word: string): boolean {
    return this.scanner.tryMatch(new RegExp(`${word}(?!\\w)`, "y")) !== undefined;
  }

  private all<T>(word: string, item: () => T): T[] {
    const items: T[] = [];
    while (this.word(word)) items.push(item());
    return items;
  }

  /** A record of entries whose names may be any word, "__proto__" among them. */
  private table<T>(entries: readonly (readonly [string, T, number])[]): Record<string, T> {
    const table: Record<string, T> = {};
    for (const [name, value, at] of entries) {
      if (Object.hasOwn(table, name)) this.problems.add(at, `${name} is declared twice`);
      Object.defineProperty(table, name, { value, enumerable: true, writable: true, configurable: true });
    }
    return table;
  }

  private port(): Port {
    const { scanner } = this;
    const name = scanner.string();
    scanner.expect(":");
    const dtype = scanner.string();
    const shape = scanner.list("[", "]", () => parseInteger(scanner, "a dim"));
    scanner.expect("as");
    const elem = parseElem(scanner);
    scanner.expect("bytes");
    return { name, dtype, shape, elem, bytes: parseInteger(scanner, "a number of bytes") };
  }

  private segment(): Segment {
    const { scanner } = this;
    const offset = parseInteger(scanner, "the first byte");
    scanner.expect("bytes");
    const bytes = parseInteger(scanner, "a number of bytes");
    scanner.expect("sha256");
    return { offset, bytes, sha256: scanner.string() };
  }

  private extent(): readonly [string, Extent, number] {
    const { scanner } = this;
    const at = this.here();
    const name = parseName(scanner, "an extent");
    scanner.expect("max");
    const max = parseInteger(scanner, "the largest value");
    scanner.expect("at");
    return [name, { max, at: this.slice() }, at];
  }

  /** Up to the closing brace, which is passed. */
  private steps(): Step[] {
    const steps: Step[] = [];
    checkLimit("depth", DEFAULT_LIMITS, this.file, "steps are nested", ++this.depth);
    while (!this.scanner.accept("}")) steps.push(this.step());
    this.depth--;
    return steps;
  }

  private step(): Step {
    const { scanner } = this;
    if (this.word("call")) return this.call();
    if (this.word("if")) {
      const condition = this.slice();
      scanner.expect("{");
      const then = this.steps();
      scanner.expect("else");
      scanner.expect("{");
      return { kind: "if", condition, then, else: this.steps() };
    }
    if (this.word("loop")) {
      const trips = /[a-z]/.test(scanner.text.charAt(this.here())) ? this.slice() : parseInteger(scanner, "trips");
      const condition = this.word("while") ? this.slice() : undefined;
      scanner.expect("{");
      const body = this.steps();
      return condition ? { kind: "loop", trips, condition, body } : { kind: "loop", trips, body };
    }
    const kind = scanner.tryMatch(/(?:region|host)(?!\w)/y) as "region" | "host" | undefined;
    if (!kind) return scanner.fail("a step (call, if, loop, region, host) or }");
    scanner.expect("@");
    const name = parseName(scanner, "the name of a step");
    const inputs = scanner.list("(", ")", () => this.slice());
    scanner.expect("->");
    const outputs = scanner.list("(", ")", () => this.slice());
    return this.word("does") ? { kind, name, inputs, outputs, call: this.hostCall() } : { kind, name, inputs, outputs };
  }

  /** JSON in a string. */
  private hostCall(): HostCall {
    const text = this.scanner.string();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // Not JSON, and so no call.
    }
    return isHostCall(value) ? value : this.scanner.fail("a call of a function of the host, as JSON in a string");
  }

  private call(): Call {
    const { scanner } = this;
    scanner.expect("@");
    const kernel = parseName(scanner, "a kernel");
    const args = this.table(scanner.list("(", ")", () => this.entry(() => this.slice())));
    const extents = this.word("extents") ? this.table(scanner.list("{", "}", () => this.entry(() => parseName(scanner, "an extent")))) : undefined;
    const parts = this.word("parts") ? parseInteger(scanner, "a number of parts") : 1;
    return { kind: "call", kernel, args, parts, ...(extents ? { extents } : {}) };
  }

  private entry<T>(value: () => T): readonly [string, T, number] {
    const at = this.here();
    const name = parseName(this.scanner, "a name");
    this.scanner.expect(":");
    return [name, value(), at];
  }

  private slice(): Slice {
    const { scanner } = this;
    const space = scanner.match(/(?:weights|arena|input|output)(?!\w)/y, "weights, arena, input or output") as Slice["space"];
    const index = scanner.isAt("[") ? 0 : parseInteger(scanner, "a number");
    scanner.expect("[");
    const offset = parseInteger(scanner, "the first byte");
    scanner.expect("]");
    return { space, index, offset };
  }

  private here(): number {
    this.scanner.skip();
    return this.scanner.at;
  }
}
