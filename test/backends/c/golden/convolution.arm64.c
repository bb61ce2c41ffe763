/* convolution for arm64: 1 kernel. Made by neo.
   cc -std=c99 -O2 -ffreestanding -fno-builtin -fwrapv -fno-strict-aliasing -fno-math-errno -ffp-contract=fast -march=armv8-a -c model.c */
#include "model.h"
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

typedef float f32 __attribute__((may_alias));
typedef int32_t i32 __attribute__((may_alias));
typedef float f32x4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t i32x4 __attribute__((vector_size(16), aligned(4), may_alias));

INLINE f32x4 pmax_f32x4(f32x4 a, f32x4 b) {
  const i32x4 m = (i32x4)(a < b);
  return (f32x4)(((i32x4)b & m) | ((i32x4)a & ~m));
}

#if defined(_WIN32)
#define EXPORT(name) __declspec(dllexport)
#elif defined(__wasm__)
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name) __attribute__((visibility("default")))
#endif

/* x f32[72], w f32[432] -> y f32[128]
   /a/Conv * / of a user, /a/Relu */
static __attribute__((noinline)) void conv(const f32 *x, const f32 *w, f32 *y) {
  const f32 *i = x;
  const f32 *k = w;
  f32 *o = y;
  f32x4 a0_0, a0_1, a1_0, a1_1, s;
  for (int g = 0; g < 2; g++) {
    for (int oy = 0; oy < 2; oy++) {
      for (int ox = 0; ox < 2; ox++) {
        a0_0 = 0.25f - (f32x4){0};
        a0_1 = 0.25f - (f32x4){0};
        a1_0 = 0.25f - (f32x4){0};
        a1_1 = 0.25f - (f32x4){0};
        for (int kh = 0; kh < 3; kh++) {
          for (int kw = 0; kw < 3; kw++) {
            for (int c = 0; c < 3; c++) {
              __builtin_prefetch(k + 8, 0, 2);
              s = i[0] - (f32x4){0};
              a0_0 = s * *(const f32x4 *)k + a0_0;
              a0_1 = s * *(const f32x4 *)(k + 4) + a0_1;
              s = i[3] - (f32x4){0};
              a1_0 = s * *(const f32x4 *)k + a1_0;
              a1_1 = s * *(const f32x4 *)(k + 4) + a1_1;
              __asm__("" : "+r"(i));
              i += 1;
              k += 8;
            }
          }
          i += 9;
        }
        i -= 54;
        k -= 216;
        *(f32x4 *)o = pmax_f32x4(a0_0, (f32x4){0});
        *(f32x4 *)(o + 4) = pmax_f32x4(a0_1, (f32x4){0});
        *(f32x4 *)(o + 16) = pmax_f32x4(a1_0, (f32x4){0});
        *(f32x4 *)(o + 20) = pmax_f32x4(a1_1, (f32x4){0});
        i += 6;
        o += 32;
      }
      i += 6;
    }
    i -= 36;
    o -= 120;
    k += 216;
  }
}

EXPORT(model_run)
void model_run(const void *weights, const void *const *inputs, void *const *outputs, void *arena) {
  (void)weights;
  (void)arena;
  conv(inputs[0], inputs[1], outputs[0]);
}

EXPORT(model_arena_bytes)
size_t model_arena_bytes(void) {
  return 0u;
}

EXPORT(model_weight_bytes)
size_t model_weight_bytes(void) {
  return 0u;
}

EXPORT(model_abi)
uint32_t model_abi(void) {
  return 1u;
}
