#!/bin/sh
# names.sh LIBRARY... - fails when a room's library exports a name that does not begin with nj_. Interfaces whose names
# are given from outside: gdb's.
all=$(nm -g --defined-only "$@" 2>/dev/null) || { echo "nm cannot read $*" >&2; exit 1; }
wrong=$(echo "$all" | awk 'NF == 3 && $3 !~ /^(nj_|_?_?jit_debug_)/ { print $3 }' |
        grep -vE '^(__(asan|tsan|ubsan|odr_asan|covrec)|_?GLOBAL_|DW\.)' | sort -u)
[ -z "$wrong" ] || { echo "exported without nj_:" $wrong >&2; exit 1; }
