/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ledger.h: who owns which place since when, on disk. A claim is one record, so all its vGPUs are owned or none; its
 * release is another. Opening reads what is owned now. vg_ledger_claim and vg_ledger_release return when it is durable;
 * they block, and one caller at a time is in them.
 */
#pragma once

#include "base/error.h"
#include "base/pciaddr.h"
#include "base/uuid.h"

typedef struct {
    VgUuid vgpu;
    VgPciAddr gpu;
    gboolean has_vf;
    VgPciAddr vf;
    char *backend, *type_name, *type_id;
    guint64 generation;
    guint slot;
    gboolean primary;
    int start;               /* placement id, -1: none */
    gboolean instance_found; /* the GPU instance below it was there before */
    char **params;           /* name, value, …, NULL; or NULL */
    char **affinity;         /* keys, or NULL */
} VgLedgerVgpu;

typedef struct {
    guint64 id; /* the generation of its first place: never used again */
    VgUuid owner;
    char *owner_name;
    char *boot; /* of the host, when it was made; NULL: not told */
    VgLedgerVgpu *vgpus;
    gsize n;
} VgLedgerClaim;
void vg_ledger_claim_free(VgLedgerClaim *claim);

typedef struct VgLedger VgLedger;

/* @ret_claims: of VgLedgerClaim, oldest first. @ret_generation: the highest ever recorded. An unreadable record is an
 * error, not a loss: INVALID_ARG. */
VgLedger *vg_ledger_open(const char *path, GPtrArray **ret_claims, guint64 *ret_generation, GError **error);
void vg_ledger_free(VgLedger *ledger);

/* The record of a claim, as text. Caller frees. */
char *vg_ledger_print(const VgLedgerClaim *claim);
/* @record is of vg_ledger_print(). Twice is once. */
gboolean vg_ledger_claim(VgLedger *ledger, guint64 id, const char *record, GError **error);
gboolean vg_ledger_release(VgLedger *ledger, guint64 id, GError **error);
