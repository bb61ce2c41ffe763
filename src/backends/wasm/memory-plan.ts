import type { Program } from "../../kernel/program.ts";
import { NeoError } from "../../support/errors.ts";
import { weightBytesOf } from "../program-facts.ts";

/** Where the host puts things in linear memory before it calls `model_run`. All in bytes. */
export interface WasmMemoryPlan {
  readonly weights: number;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly arena: number;
  /** Tables of one i32 address a port: the arguments `inputs` and `outputs` of `model_run`. */
  readonly inputTable: number;
  readonly outputTable: number;
  /** Of 64 KiB: initial and maximum size of the memory. */
  readonly pages: number;
}

const FIRST = 1024;
const ALIGN = 128;
const PAGE = 65536;

/** Addresses in the order tables, inputs, outputs, arena, weights. */
export function wasmMemoryPlan(program: Program): WasmMemoryPlan {
  const parts: { readonly where: string; readonly bytes: number }[] = [];
  let top = FIRST;
  const place = (where: string, bytes: number): number => {
    const at = Math.ceil(top / ALIGN) * ALIGN;
    top = at + bytes;
    parts.push({ where, bytes });
    return at;
  };
  const inputTable = place("tables", 4 * (program.inputs.length + program.outputs.length));
  const inputs = program.inputs.map((port) => place(`input ${port.name}`, port.bytes));
  const outputs = program.outputs.map((port) => place(`output ${port.name}`, port.bytes));
  const arena = place("arena", program.arenaBytes);
  const weights = place("weights", weightBytesOf(program));
  const pages = Math.ceil(top / PAGE);
  if (pages > PAGE) {
    throw new NeoError({
      code: "NEO3021",
      message: `${program.name} needs ${top} bytes of memory, WebAssembly has 4294967296`,
      notes: parts.filter((part) => part.bytes > PAGE).map((part) => ({ where: part.where, text: `${part.bytes} bytes` })),
      hint: "compile for a native target, or for smaller shapes",
    });
  }
  return { weights, inputs, outputs, arena, inputTable, outputTable: inputTable + 4 * program.inputs.length, pages };
}
