#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the daemon does by itself: command line, configuration, module, sockets, lock, signals, time out. Uses a toy driver module.
set -u
builddir=${builddir:-$PWD}
daemon=$builddir/virtgridd
toys=$builddir/tests/daemon
dir=$(mktemp -d /tmp/vgXXXXXX) || exit 99
host=$dir/h
failed=0
child=

cleanup() {
    [ -z "$child" ] || kill -9 "$child" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT

fail() {
    echo "FAILED: $*"
    sed 's/^/  | /' "$dir/out"
    failed=1
}

# refused STATUS TEXT ARGUMENTS...: the daemon must leave with that status and say that.
refused() {
    status=$1 text=$2
    shift 2
    timeout 120 "$daemon" "$@" >"$dir/out" 2>&1
    got=$?
    [ $got -eq "$status" ] || fail "virtgridd $*: status $got, not $status"
    grep -qF -- "$text" "$dir/out" || fail "virtgridd $*: does not say '$text'"
}

# eventually WHAT COMMAND...: up to a minute, for what should take milliseconds.
eventually() {
    what=$1
    shift
    for _ in $(seq 6000); do
        "$@" && return 0
        sleep 0.01
    done
    fail "waited in vain: $what"
    return 1
}

gone() {
    ! kill -0 "$1" 2>/dev/null
}

start() {
    : >"$dir/out"
    "$daemon" --simulate "$host" "$@" >>"$dir/out" 2>&1 &
    child=$!
    eventually "ready" grep -q 'is ready' "$dir/out"
}

# stopped STATUS: the child has ended by itself.
stopped() {
    wait "$child"
    got=$?
    [ $got -eq "$1" ] || fail "the daemon ended with $got, not $1"
    child=
}

conf() {
    printf '%s\n' "$@" >"$dir/conf"
}

# --- before anything starts
refused 2 '--bogus' --bogus
refused 2 "'stray' is not an option" stray
refused 2 '--log-level 7: levels are' --log-level 7
refused 2 'cannot be negative' --timeout=-1
refused 2 'exclude each other' --daemon --foreground
refused 2 'needs the name of a folder' --simulate ''
timeout 120 "$daemon" --version >"$dir/out" 2>&1 || fail "--version"
grep -q '^virtgridd [0-9]' "$dir/out" || fail "--version says no version"
timeout 120 "$daemon" --help >"$dir/out" 2>&1 || fail "--help"
grep -q -- '--simulate' "$dir/out" || fail "--help does not name --simulate"
[ -e /proc/xen/capabilities ] || refused 1 '--simulate DIR'

# --- configuration
refused 1 "$dir/none" --config "$dir/none" --simulate "$host"
conf '# comment' 'max_clients = many'
refused 1 "$dir/conf:2: max_clients takes a number from 1 to 1000000, not many" --config "$dir/conf" --simulate "$host"
conf 'max_clients'
refused 1 "$dir/conf:1: not of the form" --config "$dir/conf" --simulate "$host"
conf 'unix_sock_group = grid'
refused 1 'takes a text in double quotes' --config "$dir/conf" --simulate "$host"
conf 'keepalive_interval = -2'
refused 1 'takes a number from -1 to 3600' --config "$dir/conf" --simulate "$host"
conf 'unix_sock_rw_perms = "0999"'
refused 1 'takes permissions' --config "$dir/conf" --simulate "$host"

# --- module
export VIRTGRID_DRIVER_DIR="$dir"
refused 1 "there is no driver module $dir/xen.so" --simulate "$host"
[ ! -e "$host" ] || fail "folders were made without a driver"
echo rubbish >"$dir/xen.so"
refused 1 'cannot be loaded' --simulate "$host"
VIRTGRID_DRIVER_DIR=$toys/abi/.libs refused 1 'speaks version 999' --simulate "$host"
VIRTGRID_DRIVER_DIR=$toys/incomplete/.libs refused 1 "has no 'open'" --simulate "$host"
export VIRTGRID_DRIVER_DIR="$toys/.libs"
TOY_FAIL=1 refused 1 'the toy does not want to' --simulate "$host"
long=$dir/$(printf '%0100d' 0)
refused 1 '107' --simulate "$long"

# --- a run: unknown key, sockets and their modes, lock, reload, end
conf 'no_such_key = 1' 'log_level = 2'
start --config "$dir/conf"
grep -qF "$dir/conf:1: 'no_such_key' is no key" "$dir/out" || fail "no warning of an unknown key"
for s in virtxend-sock:600 virtxend-sock-ro:666 virtgridd-sock:600 virtgridd-sock-ro:666; do
    [ "$(stat -c %a "$host/run/${s%:*}")" = "${s#*:}" ] || fail "mode of ${s%:*}"
done
[ "$(stat -c %a "$host/run")" = 700 ] || fail "mode of the folder"
[ "$(cat "$host/run/virtgridd.pid")" = "$child" ] || fail "process id in the lock file"
cp "$dir/out" "$dir/log"
refused 1 "process $child " --simulate "$host"
if command -v virsh >/dev/null; then
    for s in virtxend-sock virtxend-sock-ro; do
        name=$(timeout 120 virsh -c "xen:///system?socket=$host/run/$s" hostname 2>"$dir/out")
        [ "$name" = toy.example ] || fail "virsh hostname over $s: '$name'"
    done
fi
conf 'log_level = 1'
kill -HUP "$child"
conf 'log_level = broken'
sleep 0.1
kill -HUP "$child"
kill -TERM "$child"
stopped 0
for s in virtxend-sock virtxend-sock-ro virtgridd-sock virtgridd-sock-ro; do
    [ ! -e "$host/run/$s" ] || fail "$s was left behind"
done

# --- the example file: every key in it exists, and is the default
sed -n 's/^#\([a-z_]* = .*\)/\1/p' "${srcdir:-.}/src/daemon/etc/virtgridd.conf" | grep -v '^unix_sock_group' >"$dir/conf"
[ "$(wc -l <"$dir/conf")" -ge 10 ] || fail "the example file lacks keys"
start --config "$dir/conf"
! grep -q 'is no key' "$dir/out" || fail "the example file has a key that does not exist"
kill -TERM "$child"
stopped 0

# --- kill -9: stale sockets and an unlocked file are no obstacle
start
kill -9 "$child"
wait "$child" 2>/dev/null
[ -S "$host/run/virtxend-sock" ] || fail "kill -9 removed a socket?"
start
kill -INT "$child"
stopped 0
grep -q 'toy: stopped' "$dir/out" || fail "the driver was not stopped"

# --- a call that ends only while the driver stops
if command -v virsh >/dev/null; then
    start
    timeout 120 virsh -c "xen:///system?socket=$host/run/virtxend-sock" define "$dir/conf" >/dev/null 2>&1 &
    virsh=$!
    eventually "the call" grep -q 'toy: define' "$dir/out"
    kill -TERM "$child"
    stopped 0
    grep -q 'toy: closed' "$dir/out" || fail "the session of the last call was not closed"
    wait "$virsh"
fi

# --- --timeout: not while guests run, then by itself
export TOY_GUESTS=2
start --timeout 1
sleep 2.2
kill -0 "$child" || fail "left although guests run"
kill -TERM "$child"
stopped 0
unset TOY_GUESTS
start --timeout 1
eventually "leaving when idle" gone "$child"
stopped 0

# --- --daemon: ready when the command returns
(cd "$dir" && timeout 120 "$daemon" --simulate h --daemon --pid-file pid >"$dir/out" 2>&1) || fail "--daemon"
[ -S "$host/run/virtxend-sock" ] || fail "--daemon returned before the sockets were there"
child=$(cat "$dir/pid")
refused 1 "process $child " --simulate "$host" --pid-file "$dir/pid"
[ "$(cat "$dir/pid")" = "$child" ] || fail "a second daemon took away the pid file of the first"
[ "$child" = "$(cat "$host/run/virtgridd.pid")" ] || fail "--pid-file"
[ "$(readlink "/proc/$child/cwd")" = / ] || fail "--daemon holds the folder it was started in"
kill -TERM "$child"
eventually "the end of the background daemon" gone "$child"
child=
[ ! -e "$dir/pid" ] || fail "the pid file was left behind"
TOY_FAIL=1 refused 1 'the toy does not want to' --simulate "$host" --daemon

exit $failed
