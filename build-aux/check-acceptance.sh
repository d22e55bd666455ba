#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-acceptance.sh [TOP]: every row of XenServer's acceptance rules has a row in docs/xapi.md, and one that names tests there
# ("`...`") is named by a test. A row without tests says why one host has no counterpart, or that it is not built.
set -u
cd "${1:-${srcdir:-.}}" || exit 2
page=docs/xapi.md
# prefix and how many there are
rows='RUN 7 CAP 26 GRP 5 NV 15 IN 9 AM 9 TYP 4 HST 4 RNK 8 KEY 6 XEN 6 VID 7 RAM 4 AGI 2 DES 1 PCI 1 ENU 1 GPM 4 OLD 4 GAP 25'
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT

# "X-2 to X-5", "X-2-to-X-5" and "CAP-1a" as ids, one a line
ids() {
    awk '{
        line = $0
        while (match(line, /[A-Z]+-[0-9]+((-to-| to )[A-Z]+-[0-9]+)?/)) {
            text = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH)
            n = split(text, part, /(-to-| to )/)
            prefix = part[1]; sub(/-[0-9]+$/, "", prefix)
            from = part[1]; sub(/^[A-Z]+-/, "", from)
            to = from
            if (n > 1) { to = part[2]; sub(/^[A-Z]+-/, "", to) }
            for (i = from + 0; i <= to + 0; i++) print prefix "-" i
        }
    }'
}

# what stands in the first cell of a table's row
sed -n 's/^| *\([^|]*\)|.*/\1/p' "$page" | ids | sort -u >"$work/page"
sed -n '/`/s/^| *\([^|]*\)|.*/\1/p' "$page" | ids | sort -u >"$work/shown"
cat tests/unit/*.c tests/scenarios/*.py tests/data/xml2xl/*.xml tests/data/invalid/*.xml | ids | sort -u >"$work/tests"
set -- $rows
while [ $# -gt 1 ]; do
    i=1
    while [ $i -le "$2" ]; do echo "$1-$i"; i=$((i + 1)); done
    shift 2
done | sort -u >"$work/all"

{
    comm -23 "$work/all" "$work/page" | sed "s|\$|: no row in $page|"
    comm -12 "$work/all" "$work/shown" | comm -23 - "$work/tests" | sed "s|\$|: $page names a test, and no test names it|"
    comm -12 "$work/all" "$work/tests" | comm -23 - "$work/shown" | sed "s|\$|: a test names it, and $page does not name the test|"
} >"$work/wrong"
cat "$work/wrong"
[ ! -s "$work/wrong" ]
