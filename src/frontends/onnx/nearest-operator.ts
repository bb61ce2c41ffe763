import { nearestWord } from "../../support/nearest.ts";
import { supportedOperators, type SupportedOperator } from "./ops/index.ts";

/** The operator that was most likely meant, as messages call it: of this name in another domain, else of a name close to it in its own. */
export function nearestOperator(domain: string, operator: string): string | undefined {
  const all = supportedOperators();
  const elsewhere = all.find(({ name }) => name === operator);
  if (elsewhere) return label(elsewhere);
  const own = all.filter((known) => known.domain === domain);
  const near = nearestWord(
    operator,
    own.map(({ name }) => name),
  );
  return near === undefined ? undefined : label({ domain, name: near });
}

function label({ domain, name }: Pick<SupportedOperator, "domain" | "name">): string {
  return domain === "" ? name : `${domain}::${name}`;
}
