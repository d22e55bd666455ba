#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-checks.sh: each check finds a fault that is planted in a small tree, and nothing in the tree without it.
here=$(cd "$(dirname "$0")" && pwd)
top=$(mktemp -d) || exit 99
trap 'rm -rf "$top"' EXIT
status=0

fresh() {
    rm -rf "$top"/*
    mkdir -p "$top/src/base" "$top/src/life" "$top/po" "$top/build-aux"
    printf '#include "config.h"\n#include "base/a.h"\nint vg_a(void) {\n    return _("x") != 0;\n}\n' >"$top/src/base/a.c"
    printf 'src/base/a.c\n' >"$top/po/POTFILES.in"
    : >"$top/build-aux/size-exceptions.txt"
}

# quiet CHECK: passes on the tree; catches CHECK TEXT: fails and says TEXT.
quiet() {
    said=$(sh "$here/$1" "$top" 2>&1) && return
    echo "$1 finds a fault where none is: $said"; status=1
}
catches() {
    said=$(sh "$here/$1" "$top" 2>&1) && { echo "$1 does not find: $2"; status=1; }
    case $said in *"$2"*) ;; *) echo "$1 says '$said' and not: $2"; status=1 ;; esac
}
lines() { awk -v n="$1" 'BEGIN { while (n-- > 0) print "    x();" }'; }

fresh
for check in layers sizes potfiles words; do quiet "check-$check.sh"; done
while IFS='|' read -r line text; do
    fresh; echo "$line" >>"$top/src/base/a.c"; catches check-layers.sh "base/a.c:6: $text"
done <<'END'
#include "life/life.h"|base may not include "life/life.h"
#include <yajl/yajl_gen.h>|base may not include <yajl/yajl_gen.h>
# include <libxl.h>|base may not include <libxl.h>
#include "a.h"|"a.h" does not begin with a folder
#include "none/a.h"|"none/a.h" does not begin with a folder
END
fresh; echo '#include <yajl/yajl_gen.h>' >"$top/src/base/json.c"; quiet check-layers.sh
fresh; mkdir "$top/src/new"; echo >"$top/src/new/n.c"; catches check-layers.sh "the folder new has no line"
fresh; { echo 'int vg_long(int a,'; echo '            int b) {'; lines 118; echo '}'; } >>"$top/src/base/a.c"
catches check-sizes.sh "src/base/a.c:vg_long: 121 lines, at most 120"
echo 'src/base/a.c:vg_long 130 because of this test' >"$top/build-aux/size-exceptions.txt"
catches check-sizes.sh "only 1 of 2"
fresh; lines 800 >>"$top/src/base/a.c"; catches check-sizes.sh "src/base/a.c: 805 lines, at most 800"
echo 'src/base/a.c 805 because of this test' >"$top/build-aux/size-exceptions.txt"; quiet check-sizes.sh
echo 'src/base/a.c 805' >"$top/build-aux/size-exceptions.txt"; catches check-sizes.sh "the reason in some words"
fresh; printf '/* %0120d */\n' 0 >"$top/src/base/a.h"; catches check-sizes.sh "src/base/a.h:1: 126 columns"
fresh; lines 301 >"$top/src/base/a.h"; catches check-sizes.sh "src/base/a.h: 301 lines"
fresh; echo 'N_("y")' >"$top/src/life/l.c"; catches check-potfiles.sh "> src/life/l.c"
sh "$here/check-potfiles.sh" --update "$top"; quiet check-potfiles.sh
command -v xgettext >/dev/null && {
    fresh; echo 'XGETTEXT_OPTIONS = --keyword=_ --flag=f:1:c-format' >"$top/po/Makevars"
    echo 'f(_("%" G_GINT64_FORMAT " x"), 1);' >>"$top/src/base/a.c"; catches check-potfiles.sh "not a valid C format"
}
fresh; mkdir "$top/docs" "$top/tests"; echo '/* wish-7 */' >"$top/tests/t.c"
printf '| 7 | x | `t.c` |\n| 8 | y | open: a reason |\n' >"$top/docs/failure-scenarios.md"; quiet check-scenarios.sh
echo '# wish-8' >"$top/tests/u.py"; catches check-scenarios.sh '> | 8 | y | `u.py` |'
echo '# wish-9' >"$top/tests/u.py"; catches check-scenarios.sh 'wish-9 is named by `u.py`'
rm "$top/tests/t.c" "$top/tests/u.py"; catches check-scenarios.sh "> | 7 | x | open: no test names it |"
sh "$here/check-scenarios.sh" --update "$top"; catches check-scenarios.sh "do not name each other"
fresh; echo '/* FIX''ME */' >>"$top/src/base/a.c"; catches check-words.sh "a.c:6:"
fresh; echo '"/wor''k/x"' >>"$top/src/base/a.c"; catches check-words.sh "a.c:6:"
exit $status
