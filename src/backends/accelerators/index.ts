/** The accelerators, in the order in which they are listed to people. */
import type { Accelerator } from "./accelerator.ts";
import { onnxruntime } from "./onnxruntime.ts";
import { openvino } from "./openvino.ts";

export const ACCELERATORS: readonly Accelerator[] = [onnxruntime, openvino];

export function acceleratorByName(name: string): Accelerator | undefined {
  return ACCELERATORS.find((accelerator) => accelerator.name === name);
}
