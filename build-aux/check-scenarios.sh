#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-scenarios.sh [--update] [TOP]: docs/failure-scenarios.md and the tests name each other. A test names a scenario
# by wish-N, in its path or in a comment; the last column of the page has the files that do, or says why there is none.
update=
[ "$1" != --update ] || { update=yes; shift; }
cd "${1:-${srcdir:-.}}" || exit 99
page=docs/failure-scenarios.md
named=$(grep -rowE --include='*.c' --include='*.py' --include='*.sh' --include='*.xml' 'wish-[0-9]+' tests | sort -u)
wanted=$(printf '%s\n' "$named" | awk '
    FNR == NR && NF { split($0, part, ":wish-"); sub("^tests/", "", part[1])
        files[part[2]] = files[part[2]] (files[part[2]] == "" ? "" : ", ") "`" part[1] "`"; next }
    FNR != NR && /^\| [0-9]+ \|/ { split($0, cell, " *\\| *"); seen[cell[2]]++
        if (files[cell[2]] != "") last = files[cell[2]]
        else last = cell[4] ~ /^open: ./ ? cell[4] : "open: no test names it"
        print "| " cell[2] " | " cell[3] " | " last " |"; next }
    FNR != NR { print }
    END { for (id in files) if (!seen[id]) print "wish-" id " is named by " files[id] " and is not on this page"
          for (id in seen) if (seen[id] > 1) print "scenario " id " is on this page twice" }' - "$page")
[ -z "$update" ] || { printf '%s\n' "$wanted" >"$page"; exit 0; }
printf '%s\n' "$wanted" | diff "$page" - && ! grep -q 'open: no test names it' "$page" && exit 0
echo "$page and the tests do not name each other: run build-aux/check-scenarios.sh --update, and read what it made"
exit 1
