import type { Call, Port, Program, Slice, Step } from "../program.ts";
import { printKernel } from "./print-kernel.ts";
import { printName } from "./words.ts";

/** A program and its kernels as text that `parseProgram` reads back to an equal program. */
export function printProgram(program: Program): string {
  const lines = [
    `program @${printName(program.name)} arena ${program.arenaBytes} state ${program.stateBytes}${program.stepwise ? " stepwise" : ""} {`,
    ...program.inputs.map((port) => `  input ${printPort(port)}`),
    ...program.outputs.map((port) => `  output ${printPort(port)}`),
    ...program.segments.map((segment) => `  segment ${segment.offset} bytes ${segment.bytes} sha256 ${JSON.stringify(segment.sha256)}`),
    ...Object.entries(program.extents).map(([name, extent]) => `  extent ${printName(name)} max ${extent.max} at ${printSlice(extent.at)}`),
    ...printSteps(program.steps, "  "),
    "}",
  ];
  return [`${lines.join("\n")}\n`, ...program.kernels.map(printKernel)].join("\n");
}

function printPort(port: Port): string {
  return `${JSON.stringify(port.name)}: ${JSON.stringify(port.dtype)} [${port.shape.join(", ")}] as ${port.elem} bytes ${port.bytes}`;
}

function printSteps(steps: readonly Step[], indent: string): string[] {
  return steps.flatMap((step) => printStep(step, indent));
}

function printStep(step: Step, indent: string): string[] {
  const inside = `${indent}  `;
  switch (step.kind) {
    case "call":
      return [`${indent}${printCall(step)}`];
    case "if":
      return [
        `${indent}if ${printSlice(step.condition)} {`,
        ...printSteps(step.then, inside),
        `${indent}} else {`,
        ...printSteps(step.else, inside),
        `${indent}}`,
      ];
    case "loop": {
      const trips = typeof step.trips === "number" ? String(step.trips) : printSlice(step.trips);
      return [`${indent}loop ${trips}${step.condition ? ` while ${printSlice(step.condition)}` : ""} {`, ...printSteps(step.body, inside), `${indent}}`];
    }
    case "region":
    case "host":
      return [
        `${indent}${step.kind} @${printName(step.name)} (${step.inputs.map(printSlice).join(", ")}) -> (${step.outputs.map(printSlice).join(", ")})${step.call ? ` does ${JSON.stringify(JSON.stringify(step.call))}` : ""}`,
      ];
  }
}

function printCall(call: Call): string {
  const args = Object.entries(call.args).map(([name, slice]) => `${printName(name)}: ${printSlice(slice)}`);
  const extents = Object.entries(call.extents ?? {}).map(([name, extent]) => `${printName(name)}: ${printName(extent)}`);
  return `call @${printName(call.kernel)} (${args.join(", ")})${call.extents ? ` extents {${extents.join(", ")}}` : ""}${call.parts === 1 ? "" : ` parts ${call.parts}`}`;
}

/** Space, index where it isn't 0, and the first byte. */
export function printSlice(slice: Slice): string {
  return `${slice.space}${slice.index === 0 ? "" : ` ${slice.index}`}[${slice.offset}]`;
}
