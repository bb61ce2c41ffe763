import type { Schedule } from "../schedule.ts";

/** Every schedule, one row a family. Ops that are in no row, and that lowering doesn't handle itself, can't be compiled for a CPU. */
export const SCHEDULES: readonly Schedule[] = [];
