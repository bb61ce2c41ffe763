import type { Kernel } from "../../kernel/kernel.ts";
import type { Program, Slice, Step } from "../../kernel/program.ts";
import { InternalError } from "../../support/errors.ts";
import { boundArguments, isStepwise, kernelOf, MODEL_ABI, offsetOf, unitsOf, weightBytesOf } from "../program-facts.ts";
import { identifier } from "./names.ts";

/** Prints the functions that the host calls. */
export function printModel(program: Program, kernels: ReadonlyMap<string, Kernel>): string {
  return new ModelPrinter(program, kernels).print();
}

const TABLES = "const void *weights, const void *const *inputs, void *const *outputs, void *arena";

/** The prototypes of those functions, as `model.h` declares them. */
export function modelPrototypes(stepwise: boolean): readonly string[] {
  return [
    stepwise ? `void model_run_steps(${TABLES}, int32_t first, int32_t last)` : `void model_run(${TABLES})`,
    "size_t model_arena_bytes(void)",
    "size_t model_weight_bytes(void)",
    "uint32_t model_abi(void)",
  ];
}

class ModelPrinter {
  private readonly program: Program;
  private readonly kernels: ReadonlyMap<string, Kernel>;
  private readonly lines: string[] = [];
  private readonly used = new Set<Slice["space"]>();
  private loops = 0;

  constructor(program: Program, kernels: ReadonlyMap<string, Kernel>) {
    this.program = program;
    this.kernels = kernels;
  }

  print(): string {
    const stepwise = isStepwise(this.program);
    if (stepwise) this.printSwitch();
    else for (const step of this.program.steps) this.printStep(step, "  ");
    const unused = (["weights", "inputs", "outputs", "arena"] as const).filter((name) => !this.used.has(name.replace(/(put)s$/, "$1") as Slice["space"]));
    const [run, arenaBytes, weightBytes, abi] = modelPrototypes(stepwise);
    return [
      `EXPORT(${functionName(run!)})\n${run} {`,
      ...unused.map((name) => `  (void)${name};`),
      ...this.lines,
      "}",
      "",
      `EXPORT(${functionName(arenaBytes!)})\n${arenaBytes} {\n  return ${this.program.arenaBytes}u;\n}`,
      "",
      `EXPORT(${functionName(weightBytes!)})\n${weightBytes} {\n  return ${weightBytesOf(this.program)}u;\n}`,
      "",
      `EXPORT(${functionName(abi!)})\n${abi} {\n  return ${MODEL_ABI}u;\n}`,
      "",
    ].join("\n");
  }

  /** Region and host steps are the session's: here they do nothing, and the steps between them run. */
  private printSwitch(): void {
    this.lines.push("  for (int32_t step = first; step < last; step++) {", "    switch (step) {");
    unitsOf(this.program.steps).forEach((step, i) => {
      if (step.kind === "region" || step.kind === "host") return;
      this.lines.push(`      case ${i}:`);
      this.printStep(step, "        ");
      this.lines.push("        break;");
    });
    this.lines.push("      default:", "        break;", "    }", "  }");
  }

  private printStep(step: Step, indent: string): void {
    switch (step.kind) {
      case "call":
        return this.printCall(step, indent);
      case "if":
        this.lines.push(`${indent}if (${this.word(step.condition)} != 0) {`);
        this.printBody(step.then, indent);
        if (step.else.length > 0) {
          this.lines.push(`${indent}} else {`);
          this.printBody(step.else, indent);
        }
        this.lines.push(`${indent}}`);
        return;
      case "loop": {
        const n = this.loops++;
        const trips = typeof step.trips === "number" ? String(step.trips) : `trips_${n}`;
        if (typeof step.trips !== "number") this.lines.push(`${indent}const i32 ${trips} = ${this.word(step.trips)};`);
        const condition = step.condition ? ` && ${this.word(step.condition)} != 0` : "";
        this.lines.push(`${indent}for (i32 trip_${n} = 0; trip_${n} < ${trips}${condition}; trip_${n}++) {`);
        this.printBody(step.body, indent);
        this.lines.push(`${indent}}`);
        return;
      }
      case "region":
      case "host":
        throw new InternalError("printC", `step ${step.name} of the session is no code`);
    }
  }

  private printBody(steps: readonly Step[], indent: string): void {
    for (const step of steps) this.printStep(step, `${indent}  `);
  }

  private printCall(call: Extract<Step, { kind: "call" }>, indent: string): void {
    const kernel = kernelOf(this.kernels, call);
    const { params, extents } = boundArguments(this.program, call, kernel);
    const args = [...params.map((slice) => this.address(slice)), ...extents.map((slice) => this.word(slice))];
    this.lines.push(`${indent}${identifier(kernel.name)}(${args.join(", ")});`);
  }

  private word(slice: Slice): string {
    return `*(const i32 *)(${this.address(slice)})`;
  }

  private address(slice: Slice): string {
    this.used.add(slice.space);
    const offset = offsetOf(this.program, slice);
    const base = slice.space === "input" ? `inputs[${slice.index}]` : slice.space === "output" ? `outputs[${slice.index}]` : slice.space;
    return offset === 0 ? base : `${base} + ${offset}`;
  }
}

function functionName(prototype: string): string {
  return /(\w+)\(/.exec(prototype)![1]!;
}
