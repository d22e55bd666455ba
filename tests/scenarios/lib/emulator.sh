#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# emulator.sh: stands in for a vendor's display emulator: takes its arguments, writes its keys, into xenstore or the folder that stands for it, and
# does as the file "how" beside it says: nothing there, it runs; "silent"; "exit N"; "error CODE" at once; "stuck" says initialising and no more;
# "broken CODE" says so first, and then has an error; "deaf" runs and does not obey SIGTERM. What it was called with, and that it ended as it was
# asked to, is in the file "calls".
here=${0%/*} domid=''
for arg; do
    case $arg in --domain=*) domid=${arg#*=} ;; esac
done
say() {
    if [ -z "${VIRTGRID_STORE-}" ]; then
        xenstore-write "/local/domain/$domid/vgpu/$1" "$2"
    else
        printf %s "$2" >"$VIRTGRID_STORE/vgpu/.$1" && mv "$VIRTGRID_STORE/vgpu/.$1" "$VIRTGRID_STORE/vgpu/$1"
    fi
}
fail() {
    say error-code "$1"
    say state error
}
pipe=$here/.pipe.$$
mkfifo "$pipe" && exec 9<>"$pipe" && rm -f "$pipe" || exit 4
read -r how what 2>/dev/null <"$here/how"
trap 'echo "$$ ended" >>"$here/calls"; exit 0' TERM
[ "$how" != deaf ] || trap '' TERM
echo "$$ $*" >>"$here/calls"
case $how in
exit) exit "$what" ;;
silent) ;;
error) fail "$what" ;;
stuck) say state initialising ;;
broken)
    say state initialising
    sleep 0.2
    fail "$what"
    ;;
*)
    say state initialising
    say state running
    ;;
esac
# waits without a child: nobody ever writes there. For a short time: a SIGTERM just before the read begins is obeyed only when that is over.
while :; do read -r -t 1 -u 9; done
