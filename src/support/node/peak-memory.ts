import { readFileSync, writeFileSync } from "node:fs";

/** The most memory this process held at a time: since `forgetPeak`, where the system can forget, else since its start. */
export interface PeakMemory {
  readonly bytes: number;
  readonly since: "reset" | "start";
}

let forgotten = false;

/** Begins anew, where the system can (Linux). */
export function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
    forgotten = true;
  } catch {
    forgotten = false;
  }
}

export function peakMemory(): PeakMemory {
  const kilobytes = forgotten ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] : undefined;
  return kilobytes === undefined ? { bytes: process.resourceUsage().maxRSS * 1024, since: "start" } : { bytes: Number(kilobytes) * 1024, since: "reset" };
}
