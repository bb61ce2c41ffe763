import type { CommandSpec } from "./command.ts";
import { bench } from "./bench.ts";
import { check } from "./check.ts";
import { compare } from "./compare.ts";
import { compileCommand } from "./compile.ts";
import { completion } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { explain } from "./explain.ts";
import { inspect } from "./inspect.ts";
import { keygen } from "./keygen.ts";
import { ops } from "./ops.ts";
import { opt } from "./opt.ts";
import { run } from "./run.ts";
import { selftest } from "./selftest.ts";
import { sign } from "./sign.ts";
import { targets } from "./targets.ts";
import { verify } from "./verify.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly CommandSpec[] = [compileCommand, run, check, inspect, verify, sign, keygen, bench, compare, opt, selftest, targets, ops, explain, doctor, completion];
