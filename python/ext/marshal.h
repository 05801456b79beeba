/* marshal.h - argument plans: the one walk over the arguments that both checks their types and fills the argument
 * block.
 *
 * A plan is made once for each specialisation; nj_plan_fill is the hot path of a call and of a launch. It allocates
 * nothing.
 */
#ifndef NJ_MARSHAL_H
#define NJ_MARSHAL_H

#include "ext.h"

typedef enum NjFast { NJ_FAST_NONE, NJ_FAST_I64, NJ_FAST_F64, NJ_FAST_BOOL, NJ_FAST_ARRAY } NjFast;

typedef struct NjArgPlan {
    const NjType *t;
    uint8_t fast;              /* NjFast: the case to try first */
    uint8_t abi;               /* NjAbi */
    uint8_t scalar;            /* arrays: NjScalar of the elements */
    uint8_t ndim;
    uint16_t nslots;
    int flags_mask, flags_want;/* arrays: NumPy flags to test */
} NjArgPlan;

void nj_plan_arg(NjArgPlan *p, const NjType *t, NjAbi abi);

/* 1: v has exactly the plan's type, and its slots are filled. 0: it has another type. -1: exception. Borrows v. */
int nj_plan_fill(const NjArgPlan *p, PyObject *v, uint64_t *slots);

/* All of them; total slots are the plans' sum. The result is the first that is not 1. */
static inline int nj_plan_fill_all(const NjArgPlan *p, PyObject *const *args, Py_ssize_t n, uint64_t *slots)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        int r = nj_plan_fill(&p[i], args[i], slots);
        if (r != 1)
            return r;
        slots += p[i].nslots;
    }
    return 1;
}

#endif
