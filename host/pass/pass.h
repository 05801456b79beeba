/* pass.h - the passes and the runner that owns their ceremony. */
#ifndef NJ_PASS_H
#define NJ_PASS_H

#include "ir/ir.h"

typedef bool (*NjPassFn)(NjFn *f);         /* true when it changed something */

typedef struct NjPassInfo { const char *name; NjPassFn run; const char *needs, *doc; } NjPassInfo;
extern const NjPassInfo nj_passes[];       /* from passes.def, in pipeline order; ends with a NULL name */

/* pipeline.c: skip if asked, time, run, verify, dump if changed. Returns NJ_E_BUG when the verifier complains. */
NjStatus nj_pass_run(NjFn *f, const char *name);
NjStatus nj_pass_run_level(NjFn *f, bool core);        /* every pass of the level, in order */

#define PASS(name, level, needs, doc) bool nj_pass_##name(NjFn *f);
#include "pass/passes.def"
#undef PASS

#endif
