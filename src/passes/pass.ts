import type { Graph } from "../ir/graph.ts";
import { fused, regionOp } from "../ir/ops/control.ts";
import { verify } from "../ir/verify.ts";
import { InternalError } from "../support/errors.ts";
import type { TargetProfile } from "../target/profile.ts";

export interface PassOptions {
  /** Passes that prepare for code generation look at it; the others may not. */
  readonly target?: TargetProfile;
  /** Elements that constant folding may compute in one graph. */
  readonly foldBudget: number;
}

/**
 * A step that keeps the meaning of a graph. `run` changes it in place and tells whether it did. The regions of control flow are graphs
 * of their own to it: `runPasses` gives it one after the other, and what a region takes and gives is not the region's to change.
 */
export interface Pass {
  readonly name: string;
  readonly summary: string;
  run(graph: Graph, options: PassOptions): boolean;
}

export interface PassRun {
  readonly name: string;
  readonly ms: number;
  readonly changed: boolean;
}

export interface PassHooks {
  /** Milliseconds of a steady clock; without it all times are 0. */
  readonly now?: () => number;
  /** Verifies after each pass; a finding is a bug of that pass. */
  readonly verifyEach?: boolean;
  readonly after?: (pass: Pass, graph: Graph, changed: boolean) => void;
  /** The pipeline ends behind this pass. */
  readonly stopAfter?: string;
}

export const DEFAULT_OPTIONS: PassOptions = { foldBudget: 1 << 26 };

/** Runs a pass on a graph, then on the regions of its control flow. Bodies of `fused` are a pass's own work, those of `region` an accelerator's. */
function runEverywhere(pass: Pass, graph: Graph, options: PassOptions): boolean {
  let changed = pass.run(graph, options);
  for (const op of graph.ops)
    if (op.def !== fused && op.def !== regionOp) for (const region of op.regions) changed = runEverywhere(pass, region, options) || changed;
  return changed;
}

export function runPasses(graph: Graph, passes: readonly Pass[], options: PassOptions = DEFAULT_OPTIONS, hooks: PassHooks = {}): PassRun[] {
  const now = hooks.now ?? (() => 0);
  const runs: PassRun[] = [];
  for (const pass of passes) {
    const start = now();
    const changed = runEverywhere(pass, graph, options);
    runs.push({ name: pass.name, ms: now() - start, changed });
    if (hooks.verifyEach) {
      const findings = verify(graph);
      if (findings.length > 0) throw new InternalError(`pass ${pass.name}`, findings.map((f) => f.text).join("; "));
    }
    hooks.after?.(pass, graph, changed);
    if (pass.name === hooks.stopAfter) break;
  }
  return runs;
}
