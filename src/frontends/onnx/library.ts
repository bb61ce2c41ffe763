import type { Problems } from "./problems.ts";
import type { FunctionProto, ModelProto, NodeProto, OperatorSetIdProto } from "./schema.ts";

/** Versions of the operator sets that a model or a function imports, by domain. */
export type Opsets = ReadonlyMap<string, number>;

/** "ai.onnx" is the long name of the default domain. */
export function domainOf(domain: string | undefined): string {
  return domain === "ai.onnx" ? "" : (domain ?? "");
}

export function opsetsOf(imports: readonly OperatorSetIdProto[], where: string, problems: Problems): Opsets {
  const opsets = new Map<string, number>();
  for (const { domain: text, version = 0n } of imports) {
    const domain = domainOf(text);
    const known = opsets.get(domain);
    const found = Number(version);
    if (found < 1 || found > 10_000) problems.add("structure", where, `imports version ${version} of domain "${domain}"`);
    else if (known !== undefined && known !== found) problems.add("structure", where, `imports domain "${domain}" twice, as ${known} and ${found}`);
    else opsets.set(domain, found);
  }
  return opsets;
}

/** The functions a model brings along. */
export class Library {
  private readonly functions = new Map<string, FunctionProto>();

  constructor(model: ModelProto, problems: Problems) {
    for (const definition of model.functions) {
      const key = keyOf(definition.domain, definition.name, definition.overload);
      if (!definition.name) problems.add("structure", "a function", "has no name");
      else if (this.functions.has(key)) problems.add("structure", definition.name, "is defined twice");
      else this.functions.set(key, definition);
    }
  }

  /** The function that a node calls; undefined where it is an operator. */
  find(node: NodeProto): FunctionProto | undefined {
    return this.functions.size === 0 ? undefined : this.functions.get(keyOf(node.domain, node.opType, node.overload));
  }
}

function keyOf(domain: string | undefined, name: string | undefined, overload: string | undefined): string {
  return JSON.stringify([domainOf(domain), name ?? "", overload ?? ""]);
}

/** The name people know a node by: its own, else that of its first output. */
export function nodeName(node: NodeProto): string {
  return node.name || node.output.find((name) => name !== "") || `an unnamed ${operatorName(node)}`;
}

/** "Conv", "com.acme::Foo". */
export function operatorName(node: NodeProto): string {
  const domain = domainOf(node.domain);
  return domain === "" ? (node.opType ?? "") : `${domain}::${node.opType ?? ""}`;
}
