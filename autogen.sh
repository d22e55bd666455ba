#!/bin/sh
# Makes ./configure from a clean checkout.
set -e
cd "$(dirname "$0")"
autoreconf --install --force
