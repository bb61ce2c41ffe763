import type { AcceleratorChoice } from "./profile.ts";

const COSTS = ["launchUs", "opUs", "bytesPerUs", "transferUs", "inBytesPerUs", "outBytesPerUs", "layoutBytesPerUs"];
const LIMITS = ["regions", "opsPerRegion", "weightBytes", "minMacs"];

/** Says what is wrong with the field `accelerators` of a profile, by JSON path. */
export function checkAccelerators(value: unknown, want: (where: string, found: unknown, wanted: string | undefined) => void): void {
  if (!Array.isArray(value)) return want("$.accelerators", value, "a list of objects with a name");
  value.forEach((choice: unknown, i) => {
    const at = `$.accelerators[${i}]`;
    if (!isRecord(choice)) return want(at, choice, "an object with a name");
    const { name, costs, limits, options } = choice as Partial<Record<keyof AcceleratorChoice, unknown>>;
    if (typeof name !== "string" || name === "") want(`${at}.name`, name, "a non-empty string");
    for (const key of Object.keys(choice))
      if (!["name", "costs", "limits", "options"].includes(key)) want(`${at}.${key}`, choice[key], "one of name, costs, limits, options");
    checkNumbers(costs, `${at}.costs`, [...COSTS, "macsPerUs"], want);
    if (isRecord(costs)) checkRates(costs["macsPerUs"], `${at}.costs.macsPerUs`, want);
    checkNumbers(limits, `${at}.limits`, LIMITS, want);
    if (options !== undefined && !(isRecord(options) && Object.values(options).every((option) => typeof option === "string")))
      want(`${at}.options`, options, "texts by name");
  });
}

type Want = Parameters<typeof checkAccelerators>[1];

function checkNumbers(value: unknown, at: string, names: readonly string[], want: Want): void {
  if (value === undefined) return;
  if (!isRecord(value)) return want(at, value, "an object");
  for (const [name, number] of Object.entries(value)) {
    if (!names.includes(name)) want(`${at}.${name}`, number, `one of ${names.join(", ")}`);
    else if (name !== "macsPerUs" && !(typeof number === "number" && number >= 0)) want(`${at}.${name}`, number, "a number, 0 or more");
  }
}

function checkRates(value: unknown, at: string, want: Want): void {
  if (value === undefined) return;
  if (!isRecord(value)) return want(at, value, "an object of numbers by dtype");
  for (const [dtype, rate] of Object.entries(value)) if (!(typeof rate === "number" && rate > 0)) want(`${at}.${dtype}`, rate, "a number above 0");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
