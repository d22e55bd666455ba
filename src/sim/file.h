/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file.h: a file replaced as one, without fsync: it must survive the daemon's death, not the machine's. */
#pragma once

#include "base/error.h"

gboolean vg_sim_file_replace(const char *path, const char *text, GError **error);
