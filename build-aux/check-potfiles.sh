#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-potfiles.sh [--update] [TOP]: po/POTFILES.in is the sorted list of sources that have a text for translators.
update=
[ "$1" != --update ] || { update=yes; shift; }
cd "${1:-${srcdir:-.}}" || exit 99
wanted=$(find src -name '*.[ch]' -o -name '*.def' | grep -v -e '_xdr\.' -e '^src/base/i18n\.h$' | LC_ALL=C sort |
    xargs grep -lE '(^|[^A-Za-z0-9_])N?_\(')
[ -z "$update" ] || { printf '%s\n' "$wanted" >po/POTFILES.in; exit 0; }
printf '%s\n' "$wanted" | diff po/POTFILES.in - && exit 0
echo "po/POTFILES.in is not the list of files with texts: run build-aux/check-potfiles.sh --update"
exit 1
