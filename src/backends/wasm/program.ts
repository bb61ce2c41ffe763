import type { Kernel } from "../../kernel/kernel.ts";
import type { Program, Slice, Step } from "../../kernel/program.ts";
import { InternalError } from "../../support/errors.ts";
import { boundArguments, isStepwise, kernelOf, MODEL_ABI, offsetOf, unitsOf, weightBytesOf } from "../program-facts.ts";
import type { BinaryenApi, Module, Ref } from "./binaryen.ts";
import { Locals } from "./locals.ts";

/** Adds and exports the functions that the host calls, over i32 addresses. */
export function emitModel(api: BinaryenApi, module: Module, program: Program): void {
  new ModelEmitter(api, module, program).emit();
}

class ModelEmitter {
  private readonly api: BinaryenApi;
  private readonly m: Module;
  private readonly program: Program;
  private readonly kernels: ReadonlyMap<string, Kernel>;
  private readonly stepwise: boolean;
  private readonly locals: Locals;
  private labels = 0;

  constructor(api: BinaryenApi, module: Module, program: Program) {
    this.api = api;
    this.m = module;
    this.program = program;
    this.kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
    this.stepwise = isStepwise(program);
    this.locals = new Locals(api, module, ["weights", "input", "output", "arena", ...(this.stepwise ? ["first", "last"] : [])]);
  }

  emit(): void {
    const { api, m, program } = this;
    const name = this.stepwise ? "model_run_steps" : "model_run";
    const steps = this.stepwise ? unitsOf(program.steps).map((step, i) => this.guarded(step, i)) : program.steps.map((step) => this.step(step));
    const params = api.createType(new Array<number>(this.stepwise ? 6 : 4).fill(api.i32));
    m.addFunction(name, params, api.none, this.locals.declared(), m.block(null, steps));
    m.addFunctionExport(name, name);
    this.constant("model_arena_bytes", program.arenaBytes);
    this.constant("model_weight_bytes", weightBytesOf(program));
    this.constant("model_abi", MODEL_ABI);
  }

  private constant(name: string, value: number): void {
    this.m.addFunction(name, this.api.none, this.api.i32, [], this.m.i32.const(value | 0));
    this.m.addFunctionExport(name, name);
  }

  /** Runs if its number is asked for. Region and host steps are the session's. */
  private guarded(step: Step, index: number): Ref {
    const { m, locals } = this;
    if (step.kind === "region" || step.kind === "host") return m.nop();
    const asked = m.i32.and(m.i32.le_s(locals.get("first"), m.i32.const(index)), m.i32.gt_s(locals.get("last"), m.i32.const(index)));
    return m.if(asked, this.step(step));
  }

  private body(steps: readonly Step[]): Ref {
    return this.m.block(
      null,
      steps.map((step) => this.step(step)),
    );
  }

  private step(step: Step): Ref {
    const { m } = this;
    switch (step.kind) {
      case "call": {
        const kernel = kernelOf(this.kernels, step);
        const { params, extents } = boundArguments(this.program, step, kernel);
        return m.call(kernel.name, [...params.map((slice) => this.address(slice)), ...extents.map((slice) => this.word(slice))], this.api.none);
      }
      case "if":
        return m.if(this.word(step.condition), this.body(step.then), step.else.length > 0 ? this.body(step.else) : undefined);
      case "loop":
        return this.loop(step);
      case "region":
      case "host":
        throw new InternalError("emitWasm", `step ${step.name} of the session is no code`);
    }
  }

  /** Counts down from the trips, which are read once; the condition is read before each iteration. */
  private loop(step: Extract<Step, { kind: "loop" }>): Ref {
    const { m, locals } = this;
    const label = `steps_${this.labels++}`;
    const left = locals.temporary("i32");
    const some = m.i32.gt_s(locals.at(left), m.i32.const(0));
    const goes = step.condition ? m.i32.and(some, m.i32.ne(this.word(step.condition), m.i32.const(0))) : some;
    const count = m.local.set(left, m.i32.sub(locals.at(left), m.i32.const(1)));
    return m.block(null, [
      m.local.set(left, typeof step.trips === "number" ? m.i32.const(step.trips) : this.word(step.trips)),
      m.loop(label, m.if(goes, m.block(null, [this.body(step.body), count, m.br(label)]))),
    ]);
  }

  private word(slice: Slice): Ref {
    return this.m.i32.load(offsetOf(this.program, slice), 4, this.base(slice));
  }

  private address(slice: Slice): Ref {
    const offset = offsetOf(this.program, slice);
    return offset === 0 ? this.base(slice) : this.m.i32.add(this.base(slice), this.m.i32.const(offset | 0));
  }

  private base({ space, index }: Slice): Ref {
    if (space === "weights" || space === "arena") return this.locals.get(space);
    return this.m.i32.load(4 * index, 4, this.locals.get(space));
  }
}
