#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-words.sh [TOP]: no path of somebody's machine, and no work left over, in what is distributed.
cd "${1:-${srcdir:-.}}" || exit 99
words='TO''DO|FIX''ME|/wor''k/|/tm''p/ref|/ho''me/[a-z]'
built='--exclude-dir=.deps --exclude-dir=.libs --exclude=*.log --exclude=*.trs --exclude=*.la --exclude=*.lo'
found=$(grep -rnIE $built "$words" src tests bench xml-schemas docs build-aux/check-* build-aux/*.awk build-aux/*.txt po/POTFILES.in \
    README.md HACKING.md NEWS.md configure.ac Makefile.am 2>/dev/null)
[ -n "$found" ] || exit 0
printf '%s\n' "$found"
exit 1
