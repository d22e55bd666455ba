#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-dist.sh TARBALL [TOP]: whatever is under version control is also in the tarball (only dot files stay behind).
top=${2:-$(dirname "$0")/..}
lists=$(mktemp -d) || exit 99
trap 'rm -rf "$lists"' EXIT
git -C "$top" ls-files >"$lists/all" 2>/dev/null || { echo "not a clone"; exit 77; }
grep -vE '(^|/)\.' "$lists/all" | sort >"$lists/wanted"
tar -tf "$1" | sed 's|^[^/]*/||' | sort >"$lists/packed"
comm -23 "$lists/wanted" "$lists/packed" >"$lists/missing"
[ -s "$lists/missing" ] || exit 0
echo "not in $1 (EXTRA_DIST or _SOURCES of a local.mk):"
cat "$lists/missing"
exit 1
