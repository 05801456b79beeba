/* atomics.h - atomics with the ordering in the name, so that a reader of pool.c sees each one's promise at the call.
 *
 * relaxed: only the value is atomic. acquire: later reads see what the writer did before its release. acqrel: both
 * ways.
 */
#ifndef NJ_CPU_ATOMICS_H
#define NJ_CPU_ATOMICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct NjA32 { _Atomic uint32_t v; } NjA32;
typedef struct NjA64 { _Atomic uint64_t v; } NjA64;
typedef struct NjAPtr { void *_Atomic v; } NjAPtr;

#define NJ_ATOMICS(T, A, stem)                                                                                        \
    static inline T nj_##stem##_load_relaxed(A *a) { return atomic_load_explicit(&a->v, memory_order_relaxed); }      \
    static inline T nj_##stem##_load_acquire(A *a) { return atomic_load_explicit(&a->v, memory_order_acquire); }      \
    static inline void nj_##stem##_store_relaxed(A *a, T x) { atomic_store_explicit(&a->v, x, memory_order_relaxed); } \
    static inline void nj_##stem##_store_release(A *a, T x) { atomic_store_explicit(&a->v, x, memory_order_release); } \
    static inline T nj_##stem##_swap_acqrel(A *a, T x)                                                                \
    {                                                                                                                 \
        return atomic_exchange_explicit(&a->v, x, memory_order_acq_rel);                                              \
    }                                                                                                                 \
    /* On failure *seen is what was there. */                                                                         \
    static inline bool nj_##stem##_cas_acqrel(A *a, T *seen, T x)                                                     \
    {                                                                                                                 \
        return atomic_compare_exchange_strong_explicit(&a->v, seen, x, memory_order_acq_rel, memory_order_acquire);   \
    }

NJ_ATOMICS(uint32_t, NjA32, a32)
NJ_ATOMICS(uint64_t, NjA64, a64)
NJ_ATOMICS(void *, NjAPtr, aptr)
#undef NJ_ATOMICS

/* The value before. */
static inline uint32_t nj_a32_add_relaxed(NjA32 *a, uint32_t d)
{
    return atomic_fetch_add_explicit(&a->v, d, memory_order_relaxed);
}
static inline uint32_t nj_a32_add_acqrel(NjA32 *a, uint32_t d)
{
    return atomic_fetch_add_explicit(&a->v, d, memory_order_acq_rel);
}
static inline uint32_t nj_a32_sub_acqrel(NjA32 *a, uint32_t d)
{
    return atomic_fetch_sub_explicit(&a->v, d, memory_order_acq_rel);
}

/* Inside a spin: gives the other hardware thread of the core its turn. */
static inline void nj_cpu_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

#endif
