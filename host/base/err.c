/* err.c - messages of fixed size for the rooms that have no diagnostics at hand.
 *
 * Filling an NjErr allocates nothing and cannot fail; a text that is too long is cut.
 */
#include "base/base.h"

NjStatus nj_err_set(NjErr *err, NjStatus status, int code, const char *fmt, ...)
{
    if (!err)
        return status;
    err->status = status;
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return status;
}
