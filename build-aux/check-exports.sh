#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-exports.sh [MODULE]: the driver module gives the daemon vg_driver and nothing else.
module=${1:-${builddir:-.}/.libs/xen.so}
[ -f "$module" ] || { echo "$module is not built"; exit 77; }
symbols=$(nm -D --defined-only "$module" | awk '$3 !~ /^_/ { print $3 }' | sort | tr '\n' ' ')
[ "$symbols" != "vg_driver " ] || exit 0
echo "$module exports: $symbols"
exit 1
