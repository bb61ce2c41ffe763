/** The accelerators, in the order in which they are listed to people. */
import type { Accelerator } from "./accelerator.ts";

export const ACCELERATORS: readonly Accelerator[] = [];

export function acceleratorByName(name: string): Accelerator | undefined {
  return ACCELERATORS.find((accelerator) => accelerator.name === name);
}
