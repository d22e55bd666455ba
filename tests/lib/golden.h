/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * golden.h: tests whose cases are files. A folder's cases are found by scanning, so a new case is a new file. With
 * VG_REGENERATE=1 in the environment the expected files are written instead of compared: look at the diff, then commit.
 */
#pragma once

#include <glib.h>

/* @path: the case's file; @name: the same without folder and suffix. */
typedef void (*VgGoldenFunc)(const char *path, const char *name, gpointer data);

/*
 * Calls @func for each file of $srcdir/tests/data/@dir that ends in @suffix, sorted by name, and returns how many there
 * were. A folder that is missing or has no such file fails the test.
 */
guint vg_golden_scan(const char *dir, const char *suffix, VgGoldenFunc func, gpointer data);

/* $srcdir/tests/data/@relative. Caller frees. */
char *vg_golden_path(const char *relative);

/* The whole file; fails the test if there is none. Caller frees. */
char *vg_golden_read(const char *path);

/* Marks the test as failed and shows a unified diff if the file's bytes are not @actual. Goes on with the next case. */
void vg_golden_compare(const char *path, const char *actual);
