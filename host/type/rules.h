/* rules.h - the groups of rules.def, for typers of builtins that follow an operator's rule. */
#ifndef NJ_RULES_H
#define NJ_RULES_H

#include "type/type.h"

typedef enum NjRuleGroup {
    NJ_RULE_NONE, NJ_RULE_ARITH, NJ_RULE_TRUEDIV, NJ_RULE_FLOORDIV, NJ_RULE_POW, NJ_RULE_SHIFT, NJ_RULE_BITWISE,
    NJ_RULE_DIVMOD, NJ_RULE_ORDER, NJ_RULE_EQUAL, NJ_RULE_MATH2
} NjRuleGroup;

bool   nj_rule_group(NjTypes *ts, NjRuleGroup group, const NjType *l, const NjType *r, NjRule *out);
NjConv nj_scalar_conv(NjScalar from, NjScalar to);

#endif
