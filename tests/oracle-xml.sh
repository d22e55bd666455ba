#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# oracle-xml.sh [FILE...]: what we write of a domain, beside what libvirt's own library writes of it (its in-process test driver,
# through the packaged virsh). Not part of `make check`. Without files: all of data/xml2xml. Lines that differ for a known
# reason are patterns in tests/oracle-xml.known; any other difference fails. In their order: the test driver names the host's end
# of an interface; libvirt writes a <redirdev> with nothing in it as two tags; the test driver drops <xen:commandline>.
srcdir=${srcdir:-$(dirname "$0")/..}
known=$srcdir/tests/oracle-xml.known
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT INT TERM
[ $# -gt 0 ] || set -- "$srcdir"/tests/data/xml2xml/*.out.xml
failed=0
for file; do
    case $file in *vgpu*) continue ;; esac # ours alone
    name=$(sed -n 's:.*<name>\(.*\)</name>.*:\1:p' "$file" | head -n 1)
    # the test driver knows no os type "linux", and one type of domain
    sed -e "s/<domain type='[a-z]*'/<domain type='xen'/" -e 's/>linux</>xen</' "$file" >"$work/in.xml"
    virsh -q -c test:///default "define $work/in.xml; dumpxml --inactive --security-info $name" 2>"$work/err" |
        sed -e '/^Domain .* defined from/d' -e '/^$/d' >"$work/theirs"
    if [ ! -s "$work/theirs" ]; then
        echo "$(basename "$file"): refused: $(tail -n 1 "$work/err")"
        continue
    fi
    sed -e "s/<domain type='[a-z]*'/<domain type='xen'/" -e '/^$/d' "$file" >"$work/ours"
    diff "$work/ours" "$work/theirs" | grep '^[<>]' | grep -v -f "$known" >"$work/diff" && {
        echo "$(basename "$file"):"
        cat "$work/diff"
        failed=1
    }
done
exit $failed
