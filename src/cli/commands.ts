import type { CommandSpec } from "./command.ts";
import { completion } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { explain } from "./explain.ts";
import { targets } from "./targets.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [targets, explain, doctor, completion];
