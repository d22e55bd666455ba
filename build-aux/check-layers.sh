#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-layers.sh [TOP]: does every #include keep to build-aux/layers.txt?
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-${srcdir:-.}}/src" || exit 99
files=$(find . -name '*.[ch]' -o -name '*.def' | grep -v '_xdr\.' | sed 's|^\./||' | sort)
[ -n "$files" ] || { echo "no sources in $PWD"; exit 1; }
exec awk -f "$here/layers.awk" "$here/layers.txt" $files
