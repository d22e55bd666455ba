/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * news.h: what the kernel says of GPUs by itself: lines of its log, and its events of devices. Pure.
 *
 * A GPU FAILED when what was said means that it needs a reset or a repair before it can be trusted: NVIDIA's Xid
 * messages of that kind ("NVRM: Xid (PCI:0000:05:00): 79, ..."; the numbers are the vendor's, from its catalogue of Xid
 * errors), amdgpu's "GPU reset end with ret = -110", and the drm event WEDGED=... with a remedy. An Xid that an
 * application brought about (13, 31, 43, 45, ...) is none.
 */
#pragma once

#include <glib.h>

#include "base/pciaddr.h"

typedef enum {
    VG_NEWS_FAILED,
    VG_NEWS_DEVICES /* mediated devices, PCI functions or drivers of them came or went; gpu is not set */
} VgGpuNewsKind;

typedef struct {
    VgGpuNewsKind kind;
    VgPciAddr gpu; /* the function is 0 where it was not told */
    char why[200];
} VgGpuNews;

/* FALSE: it is about nothing of this. @text is one message, without level and time. */
gboolean vg_gpu_news_of_log(const char *text, VgGpuNews *ret);
/* @data: "KEY=VALUE" strings, each ended by NUL, as the kernel's netlink socket gives them. */
gboolean vg_gpu_news_of_event(const char *data, gsize len, VgGpuNews *ret);
