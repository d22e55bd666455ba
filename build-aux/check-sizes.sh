#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-sizes.sh [TOP]: functions, files, headers and lines keep to the limits of HACKING.md; exceptions are in
# size-exceptions.txt.
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-${srcdir:-.}}" || exit 99
set -- "$here/size-exceptions.txt"
[ ! -f build-aux/size-exceptions.txt ] || set -- build-aux/size-exceptions.txt
exec awk -f "$here/sizes.awk" "$@" $(find src tests bench \( -name '*.[ch]' -o -name '*.def' -o -name '*.x' \) 2>/dev/null | grep -v '_xdr\.' | sort)
