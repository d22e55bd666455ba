#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every domain that the tests feed to the model is one by the grammar too; each planted fault is not.
set -u
schema=$builddir/share/schemas/virtgrid-domain.rng
included=$(sed -n 's/.*<include href="\([^"]*\)".*/\1/p' "$schema")
command -v xmllint >/dev/null && [ -f "$included" ] || { echo "no xmllint or no $included"; exit 77; }

checked=0 failed=0
valid() { xmllint --nonet --noout --relaxng "$schema" "$1" 2>"$log"; }
log=$(mktemp) && trap 'rm -f "$log"' EXIT

for file in "$srcdir"/tests/schema/good/*.xml "$srcdir"/tests/data/xml2xml/*.xml "$srcdir"/tests/data/xml2xl/*.xml "$srcdir"/docs/examples/*.xml; do
    [ -f "$file" ] || continue
    grep -q '<domain' "$file" || continue
    checked=$((checked + 1))
    beyond=$(grep "^$(basename "$file"):" "$srcdir/tests/schema/beyond.txt")
    if valid "$file"; then
        [ -z "$beyond" ] || { echo "valid, but listed in beyond.txt: $file"; failed=$((failed + 1)); }
    else
        [ -n "$beyond" ] || { echo "not valid: $file"; head -5 "$log"; failed=$((failed + 1)); }
    fi
done
for file in "$srcdir"/tests/schema/bad/*.xml; do
    checked=$((checked + 1))
    valid "$file" && { echo "valid, but should not be: $file"; failed=$((failed + 1)); }
    grep -q 'fails to validate' "$log" || { echo "not refused by the grammar: $file"; head -5 "$log"; failed=$((failed + 1)); }
done
# What is only written, by libvirt's grammars, which lack two things that its own Xen driver writes: <netprefix>, and xenpvh guests.
libvirt=$(dirname "$included") copy=$(mktemp)
trap 'rm -f "$log" "$copy"' EXIT
for file in "$srcdir"/tests/data/caps/*.xml; do
    case $(basename "$file") in
        caps-*) schema=$libvirt/capability.rng ;;
        domcaps-*) schema=$libvirt/domaincaps.rng ;;
        nodedev-*) schema=$libvirt/nodedev.rng ;;
    esac
    sed '/<netprefix>/d; s|xenpvh</os_type>|xen</os_type>|' "$file" >"$copy"
    checked=$((checked + 1))
    valid "$copy" || { echo "not valid: $file"; head -5 "$log"; failed=$((failed + 1)); }
done
echo "$checked files, $failed wrong"
[ "$checked" -gt 10 ] && [ "$failed" -eq 0 ]
