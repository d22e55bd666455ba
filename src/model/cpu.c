/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cpu.c: <vcpu>, <cputune>, <cpu> with guest NUMA. */
#include "config.h"

#include "base/error.h"
#include "base/i18n.h"
#include "model/maps.h"

VG_NAMES(vg_placement_names, VG_PLACEMENT_LAST, NULL, "static", "auto");
VG_NAMES(vg_cpu_mode_names, VG_CPU_MODE_LAST, NULL, "custom", "host-model", "host-passthrough", "maximum");
VG_NAMES(vg_cpu_match_names, VG_CPU_MATCH_LAST, NULL, "exact", "minimum", "strict");
VG_NAMES(vg_cpu_check_names, VG_CPU_CHECK_LAST, NULL, "none", "partial", "full");
VG_NAMES(vg_fallback_names, VG_FALLBACK_LAST, NULL, "allow", "forbid");
VG_NAMES(vg_policy_names, VG_POLICY_LAST, NULL, "force", "require", "optional", "disable", "forbid");

enum { MOST_VCPUS = 4096 }; /* of one guest; Xen itself allows fewer */

const VgXmlMap vg_vcpu_map = {.name = "vcpu",
                              .size = sizeof(VgVcpu),
                              .rows = (const VgXmlRow[]){VG_X_ENUM(VgVcpu, placement, "@placement", vg_placement_names),
                                                         VG_X_STRING(VgVcpu, cpuset, "@cpuset", .flags = VG_ROW_INERT),
                                                         VG_X_INT(VgVcpu, current, "@current", 1, MOST_VCPUS),
                                                         VG_X_INT(VgVcpu, max, "", 1, MOST_VCPUS), VG_X_END}};

/* --- <cputune> ---------------------------------------------------------------------------------------------------- */

static const VgXmlMap vcpupin_map = {
    .size = sizeof(VgVcpuPin),
    .rows = (const VgXmlRow[]){VG_X_INT(VgVcpuPin, vcpu, "@vcpu", 0, MOST_VCPUS, .flags = VG_ROW_ALWAYS),
                               VG_X_STRING(VgVcpuPin, cpuset, "@cpuset", .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap emulatorpin_map = {
    .rows = (const VgXmlRow[]){VG_X_STRING(VgCputune, emulatorpin, "@cpuset", .flags = VG_ROW_REQUIRED), VG_X_END}};

const VgXmlMap vg_cputune_map = {
    .name = "cputune",
    .size = sizeof(VgCputune),
    .rows = (const VgXmlRow[]){VG_X_INT(VgCputune, shares, "shares", 1, 65535),
                               VG_X_INT(VgCputune, period, "period", 0, G_MAXINT64, .flags = VG_ROW_INERT),
                               VG_X_INT(VgCputune, quota, "quota", -1, G_MAXINT64, .flags = VG_ROW_INERT),
                               VG_X_ARRAY(VgCputune, vcpupins, VgVcpuPin, "vcpupin", vcpupin_map, .max = MOST_VCPUS),
                               VG_X_GROUP("emulatorpin", emulatorpin_map, .flags = VG_ROW_INERT), VG_X_END}};

/* --- <cpu> -------------------------------------------------------------------------------------------------------- */

static gboolean is_custom(const void *object, guint flags) {
    return ((const VgCpu *)object)->mode == VG_CPU_MODE_CUSTOM;
}

static gboolean has_mode(const void *object, guint flags) {
    const VgCpu *cpu = object;
    return cpu->mode != VG_CPU_MODE_CUSTOM || cpu->model != NULL;
}

static gboolean is_custom_model(const void *object, guint flags) {
    return is_custom(object, flags) && has_mode(object, flags);
}

static gboolean is_host_cpu(const void *object, guint flags) {
    VgCpuMode mode = ((const VgCpu *)object)->mode;
    return mode == VG_CPU_MODE_HOST_PASSTHROUGH || mode == VG_CPU_MODE_MAXIMUM;
}

static gboolean has_model(const void *object, guint flags) {
    VgCpuMode mode = ((const VgCpu *)object)->mode;
    return mode == VG_CPU_MODE_CUSTOM || mode == VG_CPU_MODE_HOST_MODEL;
}

static gboolean has_model_name(const void *object, guint flags) {
    return ((const VgCpu *)object)->model != NULL;
}

static const VgXmlMap model_map = {
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgCpu, fallback, "@fallback", vg_fallback_names, .when = has_model_name),
                               VG_X_STRING(VgCpu, vendor_id, "@vendor_id"), VG_X_STRING(VgCpu, model, ""), VG_X_END}};

#define TOPOLOGY(m, nm) VG_X_INT(VgCpu, m, nm, 1, MOST_VCPUS)
static const VgXmlMap topology_map = {.rows = (const VgXmlRow[]){TOPOLOGY(sockets, "@sockets"), TOPOLOGY(dies, "@dies"),
                                                                 TOPOLOGY(cores, "@cores"),
                                                                 TOPOLOGY(threads, "@threads"), VG_X_END}};

static const VgXmlMap feature_map = {
    .size = sizeof(VgCpuFeature),
    .fresh = &(const VgCpuFeature){.policy = VG_POLICY_REQUIRE},
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgCpuFeature, policy, "@policy", vg_policy_names),
                               VG_X_STRING(VgCpuFeature, name, "@name", .flags = VG_ROW_REQUIRED), VG_X_END}};

static const VgXmlMap sibling_map = {
    .size = sizeof(VgSibling),
    .rows = (const VgXmlRow[]){VG_X_INT(VgSibling, id, "@id", 0, MOST_VCPUS, .flags = VG_ROW_ALWAYS),
                               VG_X_INT(VgSibling, value, "@value", 10, 255, .flags = VG_ROW_REQUIRED), VG_X_END}};
static const VgXmlMap distances_map = {
    .rows = (const VgXmlRow[]){VG_X_ARRAY(VgNumaCell, distances, VgSibling, "sibling", sibling_map, .max = MOST_VCPUS),
                               VG_X_END}};
static const VgXmlMap cell_map = {
    .size = sizeof(VgNumaCell),
    .fresh = &(const VgNumaCell){.id = G_MAXUINT},
    .rows = (const VgXmlRow[]){
        VG_X_INT(VgNumaCell, id, "@id", 0, MOST_VCPUS, .flags = VG_ROW_ALWAYS), VG_X_STRING(VgNumaCell, cpus, "@cpus"),
        VG_X_MEMORY(VgNumaCell, memory, "@memory", .flags = VG_ROW_REQUIRED),
        VG_X_UNSUPPORTED("@memAccess", N_("Xen shares no guest memory")),
        VG_X_ENUM(VgNumaCell, discard, "@discard", vg_yesno_names), VG_X_GROUP("distances", distances_map), VG_X_END}};
static const VgXmlMap numa_map = {
    .rows = (const VgXmlRow[]){VG_X_ARRAY(VgCpu, cells, VgNumaCell, "cell", cell_map, .max = MOST_VCPUS), VG_X_END}};

const VgXmlMap vg_cpu_map = {
    .name = "cpu",
    .size = sizeof(VgCpu),
    .rows = (const VgXmlRow[]){VG_X_ENUM(VgCpu, mode, "@mode", vg_cpu_mode_names, .when = has_mode),
                               VG_X_ENUM(VgCpu, match, "@match", vg_cpu_match_names, .when = is_custom_model),
                               VG_X_ENUM(VgCpu, check, "@check", vg_cpu_check_names, .when = has_mode),
                               VG_X_ENUM(VgCpu, migratable, "@migratable", vg_onoff_names, .when = is_host_cpu),
                               VG_X_GROUP("model", model_map, .when = has_model),
                               VG_X_STRING(VgCpu, vendor, "vendor", .when = has_model),
                               VG_X_GROUP("topology", topology_map),
                               VG_X_ARRAY(VgCpu, features, VgCpuFeature, "feature", feature_map, .max = 1024),
                               VG_X_GROUP("numa", numa_map), VG_X_END}};
