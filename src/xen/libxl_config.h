/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxl_config.h: what is inside a VgXenConfig; for xen/ and sim/ only. */
#pragma once

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>

#include "xen/config.h"

struct VgXenConfig {
    libxl_domain_config c;
};
