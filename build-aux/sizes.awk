# SPDX-License-Identifier: LGPL-2.1-or-later
# sizes.awk: reads size-exceptions.txt, then sources as clang-format leaves them: a function begins at the margin and ends
# with a brace at the margin. Names what is longer or wider than the limits and has no exception. The formatter leaves
# comments alone, so their width is looked at here.

function fault(why) { print why; faults++ }

function check(what, size, limit) {
    if (what in allowed)
        limit = allowed[what]
    if (size > limit)
        fault(what ": " size " lines, at most " limit)
}

function end_file() {
    if (file != "")
        check(file, lines, file ~ /\.h$/ ? 300 : 800)
}

FILENAME ~ /size-exceptions\.txt$/ {
    if ($0 ~ /^#/ || NF == 0)
        next
    if (NF < 5 || $2 !~ /^[0-9]+$/)
        fault(FILENAME ":" FNR ": WHAT LINES REASON, the reason in some words")
    allowed[$1] = $2
    next
}

FNR == 1 { end_file(); file = FILENAME; start = 0 }
{ lines = FNR }
length($0) > 120 { fault(FILENAME ":" FNR ": " length($0) " columns, at most 120") }

/^[A-Za-z_].*\(/ && !/;$/ && !/=/ {
    start = FNR
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
}
/^[^ \t#].*;$/ { start = 0 }
/^}/ && start {
    functions++
    small += FNR - start + 1 <= 60
    check(FILENAME ":" name, FNR - start + 1, 120)
    start = 0
}

END {
    end_file()
    if (functions == 0)
        fault("no function found")
    else if (small < functions * 0.9)
        fault("only " small " of " functions " functions have 60 lines or fewer, it should be nine of ten")
    exit faults > 0
}
