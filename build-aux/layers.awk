# SPDX-License-Identifier: LGPL-2.1-or-later
# layers.awk: reads layers.txt, then sources (paths from src/), and names each include that the table does not allow.

function begins(text, list,    i, n, part) {
    n = split(list, part, " ")
    for (i = 1; i <= n; i++)
        if (index(text, part[i]) == 1)
            return 1
    return 0
}

function has(word, list) { return index(" " list " ", " " word " ") > 0 }

function fault(why) { print FILENAME ":" FNR ": " why; faults++ }

FILENAME ~ /layers\.txt$/ {
    if ($0 ~ /^#/ || NF == 0)
        next
    split($0, half, ":")
    split(half[2], side, "|")
    ours[half[1]] = side[1]
    outside[half[1]] = side[2]
    next
}

FNR == 1 {
    folder = FILENAME
    sub(/\/.*/, "", folder)
    if (!(folder in ours))
        fault("the folder " folder " has no line in layers.txt")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
    name = $0
    gsub(/^[^<]*<|>.*$/, "", name)
    if (begins(name, outside["guarded"]) && !begins(name, outside[folder] " " outside[FILENAME]))
        fault(folder " may not include <" name ">")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
    name = $0
    gsub(/^[^"]*"|".*$/, "", name)
    target = name
    sub(/\/.*/, "", target)
    if (name == "config.h" || target == folder && name != folder)
        next
    if (!(target in ours) || target == name)
        fault("\"" name "\" does not begin with a folder of src")
    else if (!has(target, ours[folder]) && !has(name, ours[folder] " " ours[FILENAME]))
        fault(folder " may not include \"" name "\"")
}

END { exit faults > 0 }
