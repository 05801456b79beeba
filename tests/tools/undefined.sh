#!/bin/sh
# undefined.sh MODULE - fails when the extension needs a symbol that neither Python nor a versioned library provides.
open=$(nm -D --undefined-only "$1" | awk '$1 == "U" && $2 !~ /@/ { print $2 }' |
       grep -vE '^(_?Py|hwloc_|__(asan|ubsan|tsan|sanitizer|lsan)_)')
[ -z "$open" ] || { echo "$1: undefined:" $open >&2; exit 1; }
