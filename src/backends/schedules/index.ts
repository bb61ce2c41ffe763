import type { Schedule } from "../schedule.ts";
import { attentionSchedule } from "./attention.ts";
import { convSchedule } from "./conv.ts";
import { convTransposeSchedule } from "./conv-transpose.ts";
import { elementwiseSchedule } from "./elementwise.ts";
import { gatherElementsSchedule, gatherNdSchedule, gatherSchedule } from "./gather.ts";
import { linearSchedule } from "./linear.ts";
import { matmulSchedule } from "./matmul.ts";
import { MOVEMENT } from "./movement.ts";
import { NORMALISATIONS } from "./normalisation.ts";
import { poolSchedule } from "./pool.ts";
import { sortSchedule, topKSchedule } from "./sorting.ts";
import { dequantiseSchedule, quantiseSchedule } from "./quantise.ts";
import { reduceSchedule } from "./reduce.ts";
import { argReduceSchedule, cumulativeSchedule } from "./scan.ts";
import { scatterElementsSchedule, scatterNdSchedule } from "./scatter.ts";
import { recurrenceSchedule } from "./recurrence.ts";
import { resizeSchedule } from "./resize.ts";
import { softmaxSchedule } from "./softmax.ts";

/** Every schedule, one row a family. Ops that are in no row, and that lowering doesn't handle itself, can't be compiled for a CPU. */
export const SCHEDULES: readonly Schedule[] = [
  attentionSchedule, convSchedule, convTransposeSchedule, linearSchedule, matmulSchedule, poolSchedule,
  elementwiseSchedule, quantiseSchedule, dequantiseSchedule, ...MOVEMENT,
  gatherSchedule, gatherElementsSchedule, gatherNdSchedule, scatterElementsSchedule, scatterNdSchedule,
  sortSchedule, topKSchedule, resizeSchedule, recurrenceSchedule,
  reduceSchedule, argReduceSchedule, cumulativeSchedule, softmaxSchedule, ...NORMALISATIONS,
];
