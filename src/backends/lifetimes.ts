import type { OpenBuffer, OpenStep } from "./open-steps.ts";
import type { Request } from "./plan-memory.ts";

/** A loop's first and last time. */
interface Span {
  readonly start: number;
  end: number;
}

interface Use {
  readonly time: number;
  /** The loops round it, the outermost first. */
  readonly loops: readonly Span[];
}

/**
 * When each arena buffer is alive, in the order of the text. What a body both takes from outside, or leaves to it, and uses itself is
 * alive as long as the loop: the next turn reads it again. What only a body uses is written anew in each turn.
 */
export function requestsOf(steps: readonly OpenStep[]): Request[] {
  const uses = new Map<OpenBuffer, Use[]>();
  let time = 0;
  const use = (buffer: OpenBuffer, loops: readonly Span[]): void => {
    if (buffer.home.space !== "arena") return;
    const known = uses.get(buffer);
    if (known) known.push({ time, loops });
    else uses.set(buffer, [{ time, loops }]);
  };
  const walk = (list: readonly OpenStep[], loops: readonly Span[]): void => {
    for (const step of list) {
      if (step.kind === "call") for (const buffer of Object.values(step.args)) use(buffer, loops);
      else if (step.kind === "host" || step.kind === "region") for (const buffer of [...step.inputs, ...step.outputs]) use(buffer, loops);
      else if (step.kind === "if") {
        use(step.condition, loops);
        time++;
        walk(step.then, loops);
        walk(step.else, loops);
      } else {
        const span: Span = { start: time, end: time };
        if (typeof step.trips !== "number") use(step.trips, loops);
        if (step.condition) use(step.condition, loops);
        time++;
        walk(step.body, [...loops, span]);
        span.end = time;
        if (step.condition) use(step.condition, loops);
      }
      time++;
    }
  };
  walk(steps, []);
  return [...uses].map(([{ id, bytes }, all]) => ({ id, bytes, ...lifeOf(all) }));
}

function lifeOf(uses: readonly Use[]): { firstUse: number; lastUse: number } {
  const shared = uses.reduce((depth, { loops }) => {
    const apart = loops.findIndex((span, i) => span !== uses[0]!.loops[i]);
    return Math.min(depth, apart < 0 ? loops.length : apart);
  }, Infinity);
  // Loops that hold some of the uses only: the outermost of them holds the inner ones.
  const spans = uses.map(({ time, loops }) => loops[shared] ?? { start: time, end: time });
  return { firstUse: Math.min(...spans.map((span) => span.start)), lastUse: Math.max(...spans.map((span) => span.end)) };
}
