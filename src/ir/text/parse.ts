/** Reads `.nir` text. The text may come from anywhere: whatever stands in it, the outcome is graphs or a `NeoError`. */
import { NeoError, type ErrorCode } from "../../support/errors.ts";
import { checkLimit, DEFAULT_LIMITS } from "../../support/limits.ts";
import { nearestWord } from "../../support/nearest.ts";
import type { AttrSchema, AttrValue } from "../attr.ts";
import { Graph, Op, Value } from "../graph.ts";
import { operandSlot, type AnyOpDef } from "../op-def.ts";
import { OPS, opByName } from "../ops/index.ts";
import { equalTypes, type TensorType } from "../types.ts";
import { parseValueName, parseWord } from "./names.ts";
import { Scanner, SyntaxMismatch, type Position } from "../../support/scanner.ts";
import { parseTensor } from "./tensors.ts";
import { NUMBER, parseNumber, parseType, printType } from "./types.ts";

export interface ParsedText {
  readonly graphs: readonly Graph[];
  /** Where an op begins; of an op that was not parsed here, the beginning. */
  positionOf(op: Op | undefined): Position;
}

/** The graphs of a text, unverified. Throws NEO2050 for what is no grammar, else NEO2051 with everything that names what isn't there. */
export function parseGraphs(text: string, file = "input.nir"): ParsedText {
  const scanner = new Scanner(text);
  const parser = new Parser(scanner, file);
  try {
    const graphs: Graph[] = [];
    for (scanner.skip(); scanner.at < text.length; scanner.skip()) graphs.push(parser.graph());
    if (parser.problems.length > 0) throw problemsError("NEO2051", `${file} names what does not exist or does not fit`, file, scanner, parser.problems);
    return { graphs, positionOf: (op) => scanner.position((op && parser.offsets.get(op)) ?? 0) };
  } catch (error) {
    if (error instanceof SyntaxMismatch) throw problemsError("NEO2050", `${file} is not graph text`, file, scanner, [{ at: error.at, text: error.message }]);
    throw error;
  }
}

/** The one graph of a text, unverified. */
export function parseGraph(text: string, file = "input.nir"): Graph {
  const { graphs } = parseGraphs(text, file);
  if (graphs.length !== 1)
    throw new NeoError({ code: "NEO2051", message: `${file} holds ${graphs.length} graphs, wanted one`, file, hint: "put each graph into a file of its own" });
  return graphs[0]!;
}

interface Problem {
  readonly at: number;
  readonly text: string;
}

function problemsError(code: ErrorCode, message: string, file: string, scanner: Scanner, problems: readonly Problem[]): NeoError {
  const notes = problems.map(({ at, text }) => {
    const { line, column } = scanner.position(at);
    return { where: `${file}:${line}:${column}`, text };
  });
  return new NeoError({ code, message, file, notes, hint: "`neo ops` lists the ops with their operands and attributes" });
}

class Parser {
  readonly problems: Problem[] = [];
  readonly offsets = new Map<Op, number>();
  private readonly scanner: Scanner;
  private readonly file: string;
  private ops = 0;

  constructor(scanner: Scanner, file: string) {
    this.scanner = scanner;
    this.file = file;
  }

  graph(): Graph {
    this.scanner.expect("graph");
    return this.body(0);
  }

  private body(depth: number): Graph {
    const { scanner } = this;
    checkLimit("depth", DEFAULT_LIMITS, this.file, "regions are nested", depth);
    scanner.expect("@");
    const name = parseWord(scanner, "the name of a graph");
    const scope = new Map<string, Value>();
    const params = scanner.list("(", ")", () => {
      const at = this.here();
      const written = parseValueName(scanner);
      scanner.expect(":");
      const value = new Value(parseType(scanner), written.name);
      this.define(scope, written.key, value, at);
      return value;
    });
    scanner.expect("->");
    const at = this.here();
    const types = scanner.list("(", ")", () => parseType(scanner));
    scanner.expect("{");
    const graph = new Graph(name, params);
    while (!scanner.accept("}")) {
      const op = this.op(scope, depth);
      if (op) graph.ops.push(op);
    }
    this.checkResults(graph, types, at);
    return graph;
  }

  /** undefined: an op that could not be made; its results are in scope all the same, so that only the cause is reported. */
  private op(scope: Map<string, Value>, depth: number): Op | undefined {
    const { scanner } = this;
    const at = this.here();
    checkLimit("nodes", DEFAULT_LIMITS, this.file, "it has more ops than", ++this.ops);
    const results = scanner.isAt("%") ? this.separated(() => parseValueName(scanner)) : [];
    if (results.length > 0) scanner.expect("=");
    const nameAt = this.here();
    const name = scanner.match(/[A-Za-z]\w{0,99}/y, "an op");
    const operands = scanner.isAt("%") || scanner.isAt("_") ? this.operands(scope) : [];
    const attrs = scanner.isAt("{") ? this.attrs() : [];
    const regions: { name: string; graph: Graph }[] = [];
    for (let region = scanner.tryMatch(/[a-z]\w{0,99}(?=\s*@)/y); region !== undefined; region = scanner.tryMatch(/[a-z]\w{0,99}(?=\s*@)/y)) {
      regions.push({ name: region, graph: this.body(depth + 1) });
    }
    const types = results.length > 0 ? this.resultTypes() : [];
    const loc = scanner.tryMatch(/loc(?=\()/y) === undefined ? [] : scanner.list("(", ")", () => scanner.string());
    const def = opByName(name);
    if (!def)
      this.problem(
        nameAt,
        `there is no op ${name}${suggestion(
          name,
          OPS.map((known) => known.name),
        )}`,
      );
    if (types.length !== results.length) this.problem(at, `${name} has ${results.length} results and ${types.length} types`);
    const complete = def && this.completeAttrs(def, attrs);
    if (def)
      this.checkRegions(
        def,
        regions.map((region) => region.name),
        nameAt,
      );
    const op =
      def && complete
        ? new Op(
            def,
            padded(def, operands),
            complete,
            types,
            loc,
            regions.map((region) => region.graph),
          )
        : undefined;
    results.forEach(({ key, name: called }, i) => {
      const value = op?.results[i] ?? new Value(types[i] ?? UNKNOWN);
      value.name = called;
      this.define(scope, key, value, at);
    });
    if (op) this.offsets.set(op, at);
    return op;
  }

  private operands(scope: ReadonlyMap<string, Value>): (Value | undefined)[] {
    const { scanner } = this;
    return this.separated(() => {
      const at = this.here();
      if (!scanner.isAt("%")) return void scanner.match(/_(?!\w)/y, 'a value or "_"');
      const { key, name } = parseValueName(scanner);
      const value = scope.get(key);
      if (!value) this.problem(at, `%${name || key} is not defined before this`);
      return value ?? new Value(UNKNOWN);
    });
  }

  private attrs(): { readonly name: string; readonly value: AttrValue; readonly at: number }[] {
    const { scanner } = this;
    return scanner.list("{", "}", () => {
      const at = this.here();
      const name = scanner.match(/[A-Za-z]\w{0,99}/y, "the name of an attribute");
      scanner.expect("=");
      return { name, value: this.attrValue(), at };
    });
  }

  private attrValue(): AttrValue {
    const { scanner } = this;
    if (scanner.isAt("dense<")) return parseTensor(scanner, this.file);
    if (scanner.isAt("[")) return scanner.list("[", "]", () => this.plainValue()) as AttrValue;
    return this.plainValue();
  }

  private plainValue(): number | boolean | string {
    const { scanner } = this;
    if (scanner.isAt('"')) return scanner.string();
    const start = scanner.at;
    if (scanner.tryMatch(NUMBER) !== undefined) {
      scanner.at = start;
      return parseNumber(scanner);
    }
    const word = scanner.match(/[A-Za-z]\w{0,99}/y, "a value");
    return word === "true" || (word === "false" ? false : word);
  }

  private resultTypes(): TensorType[] {
    this.scanner.expect(":");
    return this.separated(() => parseType(this.scanner));
  }

  private separated<T>(item: () => T): T[] {
    const items = [item()];
    while (this.scanner.accept(",")) items.push(item());
    return items;
  }

  private completeAttrs(
    def: AnyOpDef,
    written: readonly { readonly name: string; readonly value: AttrValue; readonly at: number }[],
  ): Readonly<Record<string, AttrValue>> | undefined {
    const before = this.problems.length;
    const schema = def.attrs as AttrSchema;
    const given = new Map<string, AttrValue>();
    for (const { name, value, at } of written) {
      const kind = Object.hasOwn(schema, name) ? schema[name] : undefined;
      if (!kind) this.problem(at, `${def.name} has no attribute ${name}${suggestion(name, Object.keys(schema))}`);
      else if (!kind.accepts(value)) this.problem(at, `attribute ${name} of ${def.name} wants ${kind.kind}`);
      else if (given.has(name)) this.problem(at, `attribute ${name} stands here twice`);
      else given.set(name, value);
    }
    if (this.problems.length > before) return undefined;
    // Required ones that are missing are a finding of the verifier.
    return Object.fromEntries(Object.entries(schema).map(([name, kind]) => [name, given.get(name) ?? (kind.fallback as AttrValue)]));
  }

  private checkRegions(def: AnyOpDef, names: readonly string[], at: number): void {
    const wanted = def.regions as readonly string[];
    if (names.join() !== wanted.join()) this.problem(at, `${def.name} has regions (${names.join(", ")}), wanted (${wanted.join(", ")})`);
  }

  private checkResults(graph: Graph, types: readonly TensorType[], at: number): void {
    if (graph.ops.at(-1)?.name !== "return" || this.problems.length > 0) return;
    const given = graph.outputs.map((value) => value?.type);
    if (given.length !== types.length) this.problem(at, `@${graph.name} returns ${given.length} values, its head says ${types.length}`);
    types.forEach((type, i) => {
      const found = given[i];
      if (found && !equalTypes(type, found)) this.problem(at, `@${graph.name} returns ${printType(found)}, its head says ${printType(type)}`);
    });
  }

  private define(scope: Map<string, Value>, key: string, value: Value, at: number): void {
    if (scope.has(key)) this.problem(at, `%${value.name || key} is defined twice`);
    scope.set(key, value);
  }

  private problem(at: number, text: string): void {
    this.problems.push({ at, text });
  }

  private here(): number {
    this.scanner.skip();
    return this.scanner.at;
  }
}

/** Stands for the type of what could not be read; never looked at, because there is a problem. */
const UNKNOWN: TensorType = { dtype: "f32", shape: [] };

/** Absent optional operands at the end need not be written. */
function padded(def: AnyOpDef, operands: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  const fixed = (def.operands as readonly string[]).filter((declaration) => !operandSlot(declaration).variadic).length;
  return operands.length >= fixed ? operands : [...operands, ...new Array<undefined>(fixed - operands.length).fill(undefined)];
}

function suggestion(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known);
  return nearest ? ` (did you mean ${nearest}?)` : "";
}
