import type { Kernel } from "./kernel.ts";
import { Findings, type Finding } from "./verify/finding.ts";
import { checkDisjointness } from "./verify/parallel.ts";
import { checkPressure, type Limits } from "./verify/pressure.ts";
import { checkRanges } from "./verify/ranges.ts";
import { checkStructure } from "./verify/structure.ts";
import { checkTypes } from "./verify/types.ts";

export type { Finding } from "./verify/finding.ts";
export { pressureOf, type Limits } from "./verify/pressure.ts";

/** Everything that is wrong with a kernel: no statement of it can leave its parameters, whatever the data. Without limits, pressure is not asked. */
export function verifyKernel(kernel: Kernel, limits?: Limits): readonly Finding[] {
  const findings = new Findings(kernel.name);
  if (!checkStructure(kernel, findings)) return findings.list;
  checkTypes(kernel, findings);
  if (findings.list.some((finding) => finding.rule === "types")) return findings.list;
  checkRanges(kernel, findings);
  checkDisjointness(kernel, findings);
  if (limits) checkPressure(kernel, limits, findings);
  return findings.list;
}
