import { ELEM_BYTES, type Kernel, type Param } from "./kernel.ts";
import type { Call, Program, Slice, Step } from "./program.ts";
import { Findings, type Finding } from "./verify/finding.ts";
import { isInPlace } from "./verify/in-place.ts";
import { Written } from "./verify/written.ts";
import type { Limits } from "./verify/pressure.ts";
import { verifyKernel } from "./verify-kernel.ts";
import { extentNames, parallelLoop, walkStatements } from "./walk.ts";

/**
 * Everything that is wrong with a program and its kernels: arguments that are missing or leave their memory, calls that overwrite
 * what they read, memory that is read before anything is written to it. That live buffers do not overlap is the planner's to show.
 */
export function verifyProgram(program: Program, limits?: Limits): readonly Finding[] {
  return new ProgramVerifier(program).verify(limits);
}

class ProgramVerifier {
  private readonly program: Program;
  private readonly kernels: ReadonlyMap<string, Kernel>;
  private readonly findings: Findings;

  constructor(program: Program) {
    this.program = program;
    this.kernels = new Map(program.kernels.map((kernel) => [kernel.name, kernel]));
    this.findings = new Findings(program.name);
  }

  verify(limits: Limits | undefined): readonly Finding[] {
    const { program, findings } = this;
    if (this.kernels.size < program.kernels.length) findings.add("names", "two kernels have one name");
    this.checkMemory();
    const state = new Written();
    state.add("arena", 0, program.stateBytes);
    const written = this.steps(program.steps, state);
    program.outputs.forEach((port, i) => {
      if (!written.covers(`output ${i}`, 0, port.bytes)) findings.add("unwritten", `output ${port.name} is not written, or not all of it`);
    });
    return [...findings.list, ...program.kernels.flatMap((kernel) => verifyKernel(kernel, limits))];
  }

  private checkMemory(): void {
    const { program, findings } = this;
    if (program.stateBytes > program.arenaBytes)
      findings.add("slices", `the state of ${program.stateBytes} bytes is longer than the arena of ${program.arenaBytes}`);
    for (const [i, segment] of program.segments.entries())
      if (segment.offset % 64 !== 0 || segment.bytes < 0) findings.add("slices", `segment ${i} lies at ${segment.offset}, wants a multiple of 64`);
    for (const [name, extent] of Object.entries(program.extents)) {
      const { space, offset } = extent.at;
      if (space !== "arena" || offset % 4 !== 0 || offset < 0 || offset + 4 > program.stateBytes)
        findings.add("slices", `extent ${name} is no word of the state`);
      if (!Number.isInteger(extent.max) || extent.max < 0) findings.add("trips", `extent ${name} is at most ${extent.max}`);
    }
  }

  private steps(steps: readonly Step[], written: Written): Written {
    return steps.reduce((now, step) => this.step(step, now), written);
  }

  private step(step: Step, written: Written): Written {
    switch (step.kind) {
      case "call":
        this.call(step, written);
        return written;
      case "if": {
        this.word(step.condition, "the condition of an if", written);
        return this.steps(step.then, written.copy()).both(this.steps(step.else, written.copy()));
      }
      case "loop": {
        if (typeof step.trips !== "number") this.word(step.trips, "the trips of a loop", written);
        else if (!Number.isInteger(step.trips) || step.trips < 0) this.findings.add("trips", `a loop of ${step.trips} trips`);
        if (step.condition) this.word(step.condition, "the condition of a loop", written);
        const after = this.steps(step.body, written.copy());
        return typeof step.trips === "number" && step.trips > 0 && !step.condition ? after : written;
      }
      case "region":
      case "host": {
        for (const slice of [...step.inputs, ...step.outputs]) this.slice(slice, 0, `the ${step.kind} step ${step.name}`);
        // How long a tensor is, only the session knows.
        for (const slice of step.outputs) written.add(spaceName(slice), slice.offset, this.bytesOf(slice) ?? slice.offset);
        return written;
      }
    }
  }

  private call(call: Call, written: Written): void {
    const kernel = this.kernels.get(call.kernel);
    if (!kernel) return this.findings.add("arguments", `there is no kernel ${call.kernel}`);
    for (const name of Object.keys(call.args))
      if (!kernel.params.some((p) => p.name === name)) this.findings.add("arguments", `${kernel.name} has no parameter ${name}`);
    const bound = kernel.params.flatMap((param) => {
      const slice = call.args[param.name];
      if (!slice) this.findings.add("arguments", `the call of ${kernel.name} has no argument for ${param.name}`);
      return slice && this.argument(kernel, param, slice, written) ? [{ param, slice }] : [];
    });
    for (const { param, slice } of bound) if (param.access !== "in") written.add(spaceName(slice), slice.offset, slice.offset + bytesOfParam(param));
    this.checkOverlaps(kernel, bound);
    this.checkExtents(kernel, call);
    if (call.parts > 1 && !parallelLoop(kernel)) this.findings.add("arguments", `the call of ${kernel.name} has ${call.parts} parts, but no parallel loop`);
  }

  /** True if the slice can be followed further. */
  private argument(kernel: Kernel, param: Param, slice: Slice, written: Written): boolean {
    const what = `argument ${param.name} of ${kernel.name}`;
    if (!this.slice(slice, bytesOfParam(param), what)) return false;
    const readOnly = slice.space === "weights" || slice.space === "input";
    if (readOnly && param.access !== "in") this.findings.add("arguments", `${what} is written, but lies in ${slice.space}`);
    if (!readOnly && slice.offset % ELEM_BYTES[param.elem] !== 0 && slice.space === "arena")
      this.findings.add("slices", `${what} lies at ${slice.offset}, which does not suit ${param.elem}`);
    const end = slice.offset + bytesOfParam(param);
    if (!readOnly && param.access === "in" && !written.covers(spaceName(slice), slice.offset, end))
      this.findings.add("unwritten", `${what} reads ${spaceName(slice)}[${slice.offset}..${end}) before all of it is written`);
    return true;
  }

  private checkOverlaps(kernel: Kernel, bound: readonly { readonly param: Param; readonly slice: Slice }[]): void {
    for (const out of bound) {
      if (out.param.access === "in") continue;
      for (const other of bound) {
        if (other === out || (other.param.access !== "in" && bound.indexOf(other) < bound.indexOf(out)) || !overlap(out, other)) continue;
        const same = other.param.access === "in" && out.slice.offset === other.slice.offset;
        if (!same || !isInPlace(kernel, other.param.name, out.param.name))
          this.findings.add("in place", `${kernel.name} cannot have ${other.param.name} and ${out.param.name} in one place`);
      }
    }
  }

  private checkExtents(kernel: Kernel, call: Call): void {
    for (const name of extentNames(kernel)) {
      const bound = call.extents?.[name] ?? name;
      const extent = this.program.extents[bound];
      if (!extent) {
        this.findings.add("arguments", `the call of ${kernel.name} binds no extent to ${name}`);
        continue;
      }
      walkStatements(kernel.body, (stmt) => {
        if (stmt.kind !== "for" || typeof stmt.trips === "number" || stmt.trips.extent !== name) return;
        const most = Math.ceil(extent.max / stmt.trips.per);
        if (most > stmt.trips.max)
          this.findings.add("trips", `extent ${bound} of ${extent.max} gives loop ${stmt.name} of ${kernel.name} ${most} trips, at most ${stmt.trips.max}`);
      });
    }
  }

  private word(slice: Slice, what: string, written: Written): void {
    if (!this.slice(slice, 4, what)) return;
    if (slice.space !== "arena" || slice.offset % 4 !== 0) this.findings.add("slices", `${what} is no word of the arena`);
    else if (!written.covers("arena", slice.offset, slice.offset + 4)) this.findings.add("unwritten", `${what} is read before it is written`);
  }

  private slice(slice: Slice, bytes: number, what: string): boolean {
    const space = this.bytesOf(slice);
    if (space === undefined) this.findings.add("slices", `${what} lies in ${slice.space} ${slice.index}, which there is not`);
    else if (slice.offset < 0 || slice.offset + bytes > space)
      this.findings.add("slices", `${what} lies at ${slice.offset}..${slice.offset + bytes} of ${spaceName(slice)}, which has ${space} bytes`);
    else return true;
    return false;
  }

  private bytesOf(slice: Slice): number | undefined {
    const { program } = this;
    switch (slice.space) {
      case "arena":
        return slice.index === 0 ? program.arenaBytes : undefined;
      case "input":
        return program.inputs[slice.index]?.bytes;
      case "output":
        return program.outputs[slice.index]?.bytes;
      case "weights":
        return program.segments[slice.index]?.bytes;
    }
  }
}

function bytesOfParam(param: Param): number {
  return param.size * ELEM_BYTES[param.elem];
}

function spaceName(slice: Slice): string {
  return slice.space === "arena" ? "arena" : `${slice.space} ${slice.index}`;
}

function overlap(a: { readonly param: Param; readonly slice: Slice }, b: { readonly param: Param; readonly slice: Slice }): boolean {
  if (spaceName(a.slice) !== spaceName(b.slice)) return false;
  return a.slice.offset < b.slice.offset + bytesOfParam(b.param) && b.slice.offset < a.slice.offset + bytesOfParam(a.param);
}
