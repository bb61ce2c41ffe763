import type { Kernel, Trips } from "../kernel.ts";
import { accessesOf, parallelLoop, walkStatements, type Loop } from "../walk.ts";
import type { Findings } from "./finding.ts";

/** Names, cursors, trips, and where parallel loops stand. False: what hangs on names cannot be checked. */
export function checkStructure(kernel: Kernel, findings: Findings): boolean {
  const before = findings.list.length;
  const loops: Loop[] = [];
  walkStatements(kernel.body, (stmt) => stmt.kind === "for" && loops.push(stmt));
  checkNames(kernel, loops, findings);
  checkCursors(kernel, loops, findings);
  for (const loop of loops) checkTrips(loop, findings);
  checkParallel(kernel, loops, findings);
  return findings.list.length === before;
}

function checkNames(kernel: Kernel, loops: readonly Loop[], findings: Findings): void {
  const owners = new Map<string, string>();
  const claim = (name: string, what: string): void => {
    const owner = owners.get(name);
    if (owner && !(owner === "extent" && what === "extent")) findings.add("names", `${name} names a ${owner} and a ${what}`);
    else owners.set(name, what);
  };
  for (const param of kernel.params) claim(param.name, "parameter");
  for (const name of Object.keys(kernel.cursors)) claim(name, "cursor");
  for (const name of Object.keys(kernel.registers)) claim(name, "register");
  for (const loop of loops) {
    claim(loop.name, "loop");
    if (typeof loop.trips !== "number") claim(loop.trips.extent, "extent");
  }
}

function checkCursors(kernel: Kernel, loops: readonly Loop[], findings: Findings): void {
  const names = new Set(loops.map((loop) => loop.name));
  for (const [name, cursor] of Object.entries(kernel.cursors)) {
    if (!kernel.params.some((param) => param.name === cursor.param)) findings.add("names", `cursor ${name} walks over ${cursor.param}, which is no parameter`);
    if (!Number.isInteger(cursor.base)) findings.add("access", `cursor ${name} starts at ${cursor.base}`);
    for (const [loop, step] of Object.entries(cursor.steps)) {
      if (!names.has(loop)) findings.add("names", `cursor ${name} moves with ${loop}, which is no loop`);
      if (!Number.isInteger(step)) findings.add("access", `cursor ${name} moves by ${step} in ${loop}`);
    }
  }
  for (const param of kernel.params) {
    if (!Number.isInteger(param.size) || param.size < 0) findings.add("access", `parameter ${param.name} has ${param.size} elements`);
  }
  walkStatements(kernel.body, (stmt) => {
    const used = stmt.kind === "launder" ? [stmt.cursor] : accessesOf(stmt).map((access) => access.at.cursor);
    for (const name of used) if (!kernel.cursors[name]) findings.add("names", `there is no cursor ${name}`);
  });
}

function checkTrips(loop: Loop, findings: Findings): void {
  if (!tripsAreSound(loop.trips)) findings.add("trips", `loop ${loop.name} has ${JSON.stringify(loop.trips)} trips`);
  if (loop.mode === "unrolled" && typeof loop.trips !== "number") findings.add("trips", `loop ${loop.name} is unrolled, so its trips must be constant`);
}

function tripsAreSound(trips: Trips): boolean {
  if (typeof trips === "number") return Number.isInteger(trips) && trips >= 1;
  return Number.isInteger(trips.per) && trips.per >= 1 && Number.isInteger(trips.max) && trips.max >= 0;
}

/** One parallel loop at most, outermost, and nothing outside of it that would be done once for each part. */
function checkParallel(kernel: Kernel, loops: readonly Loop[], findings: Findings): void {
  const parallel = loops.filter((loop) => loop.mode === "parallel");
  if (parallel.length === 0) return;
  const outer = parallelLoop(kernel);
  for (const loop of parallel)
    if (loop !== outer)
      findings.add("parallel", outer ? `loop ${loop.name} is parallel beside ${outer.name}` : `loop ${loop.name} is parallel, but not outermost`);
  if (!outer) return;
  for (const stmt of kernel.body) {
    if (stmt !== outer && (stmt.kind === "for" || stmt.kind === "store"))
      findings.add("parallel", `a ${stmt.kind === "for" ? `loop ${stmt.name}` : "store"} stands beside the parallel loop ${outer.name}`);
  }
}
