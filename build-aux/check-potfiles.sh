#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-potfiles.sh [--update] [TOP]: po/POTFILES.in is the sorted list of sources that have a text for translators.
update=
[ "$1" != --update ] || { update=yes; shift; }
cd "${1:-${srcdir:-.}}" || exit 99
wanted=$(find src -name '*.[ch]' -o -name '*.def' | grep -v -e '_xdr\.' -e '^src/base/i18n\.h$' | LC_ALL=C sort |
    xargs grep -lE '(^|[^A-Za-z0-9_])N?_\(')
[ -z "$update" ] || { printf '%s\n' "$wanted" >po/POTFILES.in; exit 0; }
if ! printf '%s\n' "$wanted" | diff po/POTFILES.in -; then
    echo "po/POTFILES.in is not the list of files with texts: run build-aux/check-potfiles.sh --update"
    exit 1
fi
command -v xgettext >/dev/null || exit 0
# A macro that is not in <inttypes.h> cuts a text in two: translators, and gettext at run time, would see one half.
xgettext $(sed -n 's/^XGETTEXT_OPTIONS *= *//p' po/Makevars) -o /dev/null -f po/POTFILES.in 2>&1 | grep 'not a valid C format' && exit 1
exit 0
