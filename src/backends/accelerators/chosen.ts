import { NeoError } from "../../support/errors.ts";
import type { AcceleratorChoice } from "../../target/profile.ts";
import type { Accelerator } from "./accelerator.ts";
import { ACCELERATORS } from "./index.ts";

/** The records of the accelerators of a target, with what its profile says of this machine's. */
export function chosenAccelerators(choices: readonly AcceleratorChoice[], known: readonly Accelerator[] = ACCELERATORS): Accelerator[] {
  const unknown = choices.filter(({ name }) => !known.some((accelerator) => accelerator.name === name));
  if (unknown.length > 0)
    throw new NeoError({
      code: "NEO3030",
      message: `there is no accelerator ${unknown.map(({ name }) => name).join(", ")}`,
      hint: `there are ${known.map(({ name }) => name).join(", ")}; --accelerators none leaves all to the CPU`,
    });
  return choices.map(({ name, costs, limits, options }) => {
    const record = known.find((accelerator) => accelerator.name === name)!;
    return {
      ...record,
      costs: { ...record.costs, ...costs, macsPerUs: { ...record.costs.macsPerUs, ...costs?.macsPerUs } },
      limits: { ...record.limits, ...limits },
      options: { ...record.options, ...options },
    };
  });
}
