import type { Reader } from "./bounding.ts";
import { INDEXED } from "./indexed.ts";
import { KEYED } from "./keys.ts";
import { MASKED } from "./masked.ts";
import { RECURRENT } from "./recurrent.ts";
import { WINDOWS } from "./windows.ts";

/** What sees to ops that read along open axes, by the op. */
export const READERS: Readonly<Record<string, Reader>> = { ...MASKED, ...WINDOWS, ...INDEXED, ...RECURRENT, ...KEYED };
