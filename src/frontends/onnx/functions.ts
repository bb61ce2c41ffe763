import type { AttributeProto, FunctionProto, NodeProto } from "./schema.ts";

/** One call of a function that a model brings along. */
export interface Call {
  readonly node: NodeProto;
  readonly definition: FunctionProto;
}

/**
 * A node of a function's body as one call sees it: attributes that refer to the function's own (`ref_attr_name`) take the call's values,
 * else the function's defaults, else they are left out.
 */
export function withArguments(body: NodeProto, call: Call): NodeProto {
  if (!body.attribute.some((attribute) => Boolean(attribute.refAttrName))) return body;
  const attribute = body.attribute.flatMap((own): readonly AttributeProto[] => {
    if (!own.refAttrName) return [own];
    const given = [...call.node.attribute, ...call.definition.attributeProto].find((candidate) => candidate.name === own.refAttrName);
    return given ? [changed(given, { name: own.name })] : [];
  });
  return changed(body, { attribute });
}

/** A copy; decoded messages keep what is absent in their prototype. */
function changed<T extends object>(message: T, change: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(message) as object) as T, message, change);
}
