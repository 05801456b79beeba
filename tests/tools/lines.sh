#!/bin/sh
# lines.sh - a mirror, not a gate: lines per room and the longest functions (needs universal-ctags for the second part).
cd "$(dirname "$0")/../.." || exit 1
rooms=$(find host cuda cpu python device-libs samples tests -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.py' \) |
        sed 's|/[^/]*$||' | sort -u)
printf '%-22s %6s %7s\n' room files lines
for room in $rooms; do
    files=$(find "$room" -maxdepth 1 -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.py' \))
    # shellcheck disable=SC2086
    printf '%-22s %6d %7d\n' "$room" "$(echo "$files" | wc -l)" "$(cat $files | wc -l)"
done
command -v ctags >/dev/null || { echo "longest functions: apt-get install universal-ctags"; exit 0; }
find host cuda cpu python -name '*.c' | ctags -L - --languages=C --kinds-C=f --fields=+ne -f - 2>/dev/null |
    awk -F'\t' '{ for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) a = substr($i, 6); if ($i ~ /^end:/) b = substr($i, 5) }
                  print b - a + 1, $1, $2 }' | sort -rn >/tmp/naja-lines.$$
awk '{ n[NR] = $1 } END { if (NR) printf "\n%d functions: median %d lines, nine in ten at most %d, %d over 60\n",
       NR, n[int((NR + 1) / 2)], n[int(NR / 10) + 1], over }
     $1 > 60 { over++ }' /tmp/naja-lines.$$
head -n 15 /tmp/naja-lines.$$
rm -f /tmp/naja-lines.$$
