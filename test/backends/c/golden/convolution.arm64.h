/* convolution. Made by neo.

   inputs[0]  rewinds: x: f32[72], 288 bytes
   inputs[1]  rewinds: w: f32[432], 1728 bytes
   outputs[0]  rewinds: y: f32[128], 512 bytes

   Tensors are dense, row-major and aligned to their elements. `weights` is the content of weights.bin and may be read-only;
   it and `arena` are aligned to 128 bytes. The arena needs no clearing and keeps nothing between runs.
   Runs over different arenas may go on side by side. */
#ifndef MODEL_H
#define MODEL_H

#include <stddef.h>
#include <stdint.h>

#define MODEL_ARENA_BYTES 0
#define MODEL_WEIGHT_BYTES 0
#define MODEL_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

void model_run(const void *weights, const void *const *inputs, void *const *outputs, void *arena);
size_t model_arena_bytes(void);
size_t model_weight_bytes(void);
uint32_t model_abi(void);

#ifdef __cplusplus
}
#endif

#endif
