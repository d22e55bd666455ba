/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* features.c: <features>. */
#include "config.h"

#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_passthrough_names, VG_PASSTHROUGH_LAST, NULL, "sync_pt", "share_pt");

/* An element that only says state='on' or 'off'; on if it says nothing, as libvirt reads <hap/>. */
static gboolean default_to_on(void *object, GError **error) {
    VgTristate *state = object;
    if (*state == VG_TRISTATE_NONE)
        *state = VG_TRISTATE_YES;
    return TRUE;
}

static const VgXmlMap state_map = {
    .size = sizeof(VgTristate),
    .check = default_to_on,
    .rows = (const VgXmlRow[]){{.name = "@state", .kind = VG_ROW_ENUM, .names = &vg_onoff_names}, VG_X_END}};

#define STATE(T, m, nm, ...)                                                                                           \
    {                                                                                                                  \
        .name = nm, .kind = VG_ROW_STRUCT, .offset = VG_ROW_SIZED(T, m, sizeof(VgTristate)), .map = &state_map,        \
        __VA_ARGS__                                                                                                    \
    }

/* --- <hyperv> ----------------------------------------------------------------------------------------------------- */

static gboolean has_retries(const void *object, guint flags) {
    return ((const VgHyperv *)object)->spinlocks == VG_TRISTATE_YES;
}

static const VgXmlMap spinlocks_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgHyperv, spinlocks, "@state", vg_onoff_names),
                               VG_X_INT(VgHyperv, spinlock_retries, "@retries", 0, G_MAXINT32, .when = has_retries),
                               VG_X_END}};

static const VgXmlMap hyperv_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgHyperv, mode, "@mode"), STATE(VgHyperv, relaxed, "relaxed"),
                               STATE(VgHyperv, vapic, "vapic"), VG_X_GROUP("spinlocks", spinlocks_map),
                               STATE(VgHyperv, vpindex, "vpindex"), STATE(VgHyperv, runtime, "runtime"),
                               STATE(VgHyperv, synic, "synic"), STATE(VgHyperv, stimer, "stimer"),
                               STATE(VgHyperv, reset, "reset"), STATE(VgHyperv, frequencies, "frequencies"),
                               STATE(VgHyperv, tlbflush, "tlbflush"), STATE(VgHyperv, ipi, "ipi"), VG_X_END}};

/* --- <xen>, <kvm> ------------------------------------------------------------------------------------------------- */

static gboolean is_passed_through(const void *object, guint flags) {
    return ((const VgFeatures *)object)->passthrough == VG_TRISTATE_YES;
}

static const VgXmlMap passthrough_map = {
    .rows = (const VgXmlRow[]){
        VG_X_ENUM(VgFeatures, passthrough, "@state", vg_onoff_names),
        VG_X_ENUM(VgFeatures, passthrough_mode, "@mode", vg_passthrough_names, .when = is_passed_through), VG_X_END}};
static const VgXmlMap xen_map = {.rows = (const VgXmlRow[]){STATE(VgFeatures, e820_host, "e820_host"),
                                                            VG_X_GROUP("passthrough", passthrough_map), VG_X_END}};
static const VgXmlMap kvm_map = {.rows = (const VgXmlRow[]){STATE(VgFeatures, kvm_hidden, "hidden"), VG_X_END}};

static const VgXmlMap apic_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgFeatures, apic_eoi, "@eoi", vg_onoff_names), VG_X_END}};

const VgXmlMap vg_features_map = {
    .name = "features",
    .size = sizeof(VgFeatures),
    .rows = (const VgXmlRow[]){VG_X_FLAG(VgFeatures, acpi, "acpi"),
                               VG_X_GROUP("apic", apic_map, VG_X_PRESENT(VgFeatures, apic)),
                               VG_X_FLAG(VgFeatures, pae, "pae"),
                               STATE(VgFeatures, hap, "hap"),
                               VG_X_FLAG(VgFeatures, viridian, "viridian"),
                               {.name = "hyperv",
                                .kind = VG_ROW_STRUCT,
                                .offset = offsetof(VgFeatures, hyperv),
                                VG_X_PRESENT(VgFeatures, hyperv.present),
                                .map = &hyperv_map},
                               VG_X_GROUP("kvm", kvm_map, VG_X_PRESENT(VgFeatures, kvm_present), .flags = VG_ROW_INERT),
                               STATE(VgFeatures, vmport, "vmport", .flags = VG_ROW_INERT),
                               STATE(VgFeatures, vmcoreinfo, "vmcoreinfo", .flags = VG_ROW_INERT),
                               VG_X_GROUP("xen", xen_map, VG_X_PRESENT(VgFeatures, xen_present)),
                               VG_X_END}};
