/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * caps.c: writes <capabilities>. The guests follow from the hypervisor's own list of what it runs: "xen-3.0-x86_64
 * hvm-3.0-x86_32p ...".
 */
#include "config.h"

#include "model/caps.h"

#include <string.h>

#include "model/out.h"

/* --- the host ----------------------------------------------------------------------------------------------------- */

/* Threads of the core that @cpu is of, as libvirt writes a set: "0-1,4". */
static char *siblings(const VgCapsCell *cell, const VgCapsCpu *cpu) {
    GString *set = g_string_new(NULL);
    for (gsize i = 0; i < cell->n_cpus;) {
        gsize first = i, last = i;
        const VgCapsCpu *other = &cell->cpus[i++];
        if (other->socket != cpu->socket || other->core != cpu->core)
            continue;
        while (i < cell->n_cpus && cell->cpus[i].socket == cpu->socket && cell->cpus[i].core == cpu->core &&
               cell->cpus[i].id == cell->cpus[last].id + 1)
            last = i++;
        if (set->len)
            g_string_append_c(set, ',');
        g_string_append_printf(set, "%u", cell->cpus[first].id);
        if (last > first)
            g_string_append_printf(set, "-%u", cell->cpus[last].id);
    }
    return g_string_free(set, FALSE);
}

static void write_cell(VgOut *out, const VgCapsCell *cell) {
    vg_out_open(out, "cell");
    vg_out_attrf(out, "id", "%u", cell->id);
    if (cell->memory_kib) {
        vg_out_open(out, "memory");
        vg_out_attr(out, "unit", "KiB");
        g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, cell->memory_kib);
        vg_out_content(out, "memory", size);
    }
    gboolean far = FALSE;
    for (gsize i = 0; i < cell->n_distances; i++)
        far |= cell->distances[i] != 0;
    if (far) {
        vg_out_open(out, "distances");
        for (gsize i = 0; i < cell->n_distances; i++) {
            if (cell->distances[i] == 0)
                continue;
            vg_out_open(out, "sibling");
            vg_out_attrf(out, "id", "%" G_GSIZE_FORMAT, i);
            vg_out_attrf(out, "value", "%u", cell->distances[i]);
            vg_out_close(out, "sibling");
        }
        vg_out_close(out, "distances");
    }
    vg_out_open(out, "cpus");
    vg_out_attrf(out, "num", "%" G_GSIZE_FORMAT, cell->n_cpus);
    for (gsize i = 0; i < cell->n_cpus; i++) {
        g_autofree char *set = siblings(cell, &cell->cpus[i]);
        vg_out_open(out, "cpu");
        vg_out_attrf(out, "id", "%u", cell->cpus[i].id);
        vg_out_attrf(out, "socket_id", "%u", cell->cpus[i].socket);
        vg_out_attr(out, "die_id", "0"); /* Xen does not tell */
        vg_out_attrf(out, "core_id", "%u", cell->cpus[i].core);
        vg_out_attr(out, "siblings", set);
        vg_out_close(out, "cpu");
    }
    vg_out_close(out, "cpus");
    vg_out_close(out, "cell");
}

/* No cells given: CPUs and memory spread evenly over the nodes, numbered thread by thread, core by core. */
static void write_even_cells(VgOut *out, const VgCapsInfo *info, guint nodes) {
    guint threads = MAX(info->threads, 1), cores = MAX(info->cores, 1);
    g_autofree VgCapsCpu *cpus = g_new0(VgCapsCpu, info->cpus);
    for (guint i = 0; i < info->cpus; i++)
        cpus[i] = (VgCapsCpu){.id = i, .socket = i / (cores * threads), .core = i / threads % cores};
    for (guint i = 0; i < nodes; i++) {
        guint first = info->cpus * i / nodes, end = info->cpus * (i + 1) / nodes;
        VgCapsCell cell = {
            .id = i, .memory_kib = info->memory_kib / nodes, .cpus = cpus + first, .n_cpus = end - first};
        write_cell(out, &cell);
    }
}

static void write_topology(VgOut *out, const VgCapsInfo *info) {
    guint nodes = CLAMP(info->nodes, 1, MAX(info->cpus, 1));
    vg_out_open(out, "topology");
    vg_out_open(out, "cells");
    vg_out_attrf(out, "num", "%" G_GSIZE_FORMAT, info->cells ? info->n_cells : nodes);
    if (info->cells)
        for (gsize i = 0; i < info->n_cells; i++)
            write_cell(out, &info->cells[i]);
    else
        write_even_cells(out, info, nodes);
    vg_out_close(out, "cells");
    vg_out_close(out, "topology");
}

static void write_cpu(VgOut *out, const VgCapsInfo *info) {
    vg_out_open(out, "cpu");
    vg_out_leaf(out, "arch", info->arch ? info->arch : "x86_64");
    if (info->pae) {
        vg_out_open(out, "features");
        vg_out_open(out, "pae");
        vg_out_close(out, "pae");
        vg_out_close(out, "features");
    }
    vg_out_leaf(out, "model", info->cpu_model);
    if (info->cpu_model)
        vg_out_leaf(out, "vendor", info->cpu_vendor);
    if (info->sockets && info->cores && info->threads) {
        vg_out_open(out, "topology");
        vg_out_attrf(out, "sockets", "%u", info->sockets);
        vg_out_attr(out, "dies", "1");
        vg_out_attrf(out, "cores", "%u", info->cores);
        vg_out_attrf(out, "threads", "%u", info->threads);
        vg_out_close(out, "topology");
    }
    for (const char *const *name = info->cpu_features; name && *name; name++) {
        vg_out_open(out, "feature");
        vg_out_attr(out, "name", *name);
        vg_out_close(out, "feature");
    }
    vg_out_close(out, "cpu");
}

static void write_host(VgOut *out, const VgCapsInfo *info) {
    vg_out_open(out, "host");
    write_cpu(out, info);
    vg_out_open(out, "power_management");
    vg_out_close(out, "power_management");
    vg_out_open(out, "iommu");
    vg_out_attr(out, "support", info->iommu ? "yes" : "no");
    vg_out_close(out, "iommu");
    vg_out_open(out, "migration_features");
    vg_out_open(out, "live");
    vg_out_close(out, "live");
    vg_out_close(out, "migration_features");
    vg_out_leaf(out, "netprefix", "vif");
    write_topology(out, info);
    vg_out_close(out, "host");
    vg_out_gap(out);
}

/* --- the guests --------------------------------------------------------------------------------------------------- */

typedef enum { GUEST_PV, GUEST_HVM, GUEST_PVH, GUEST_LAST } GuestKind;

static const struct {
    const char *os_type, *machine;
    gboolean loader, acpi, hap;
} kinds[GUEST_LAST] = {
    [GUEST_PV] = {"xen", "xenpv", FALSE, FALSE, FALSE},
    [GUEST_HVM] = {"hvm", "xenfv", TRUE, TRUE, TRUE},
    [GUEST_PVH] = {"xenpvh", "xenpvh", FALSE, FALSE, TRUE},
};

/* Names in the hypervisor's list, in ours, and the width. */
static const struct {
    const char *xen, *name;
    int wordsize;
} archs[] = {{"x86_32", "i686", 32}, {"x86_64", "x86_64", 64}, {"aarch64", "aarch64", 64}, {"armv7l", "armv7l", 32}};

typedef struct {
    GuestKind kind;
    gsize arch;
    gboolean pae, nonpae;
} Guest;

static Guest *find_guest(GArray *guests, GuestKind kind, gsize arch, gboolean *ret_new) {
    for (guint i = 0; i < guests->len; i++) {
        Guest *guest = &g_array_index(guests, Guest, i);
        *ret_new = FALSE;
        if (guest->kind == kind && guest->arch == arch)
            return guest;
    }
    Guest guest = {.kind = kind, .arch = arch};
    g_array_append_val(guests, guest);
    *ret_new = TRUE;
    return &g_array_index(guests, Guest, guests->len - 1);
}

/* One word: TYPE-VERSION-ARCH[p]. Words of another shape are not for us. */
static void read_word(GArray *guests, const char *word) {
    g_auto(GStrv) parts = g_strsplit(word, "-", 3);
    if (g_strv_length(parts) != 3 || (strcmp(parts[0], "xen") != 0 && strcmp(parts[0], "hvm") != 0))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(archs); i++) {
        gsize len = strlen(archs[i].xen);
        const char *suffix = parts[2] + len;
        if (strncmp(parts[2], archs[i].xen, len) != 0 || (*suffix && strcmp(suffix, "p") != 0))
            continue;
        gboolean is_new;
        GuestKind kind = parts[0][0] == 'h' ? GUEST_HVM : GUEST_PV;
        Guest *guest = find_guest(guests, kind, i, &is_new);
        if (archs[i].wordsize == 32 && strcmp(archs[i].name, "i686") == 0) {
            guest->pae |= *suffix == 'p';
            guest->nonpae |= *suffix == '\0';
        }
        if (kind == GUEST_HVM && is_new) /* what runs HVM runs PVH */
            find_guest(guests, GUEST_PVH, i, &is_new);
        return;
    }
}

static void write_feature(VgOut *out, const char *name, const char *on, const char *toggle) {
    vg_out_open(out, name);
    vg_out_attr(out, "default", on);
    vg_out_attr(out, "toggle", toggle);
    vg_out_close(out, name);
}

static void write_features(VgOut *out, const Guest *guest) {
    if (!guest->pae && !guest->nonpae && !kinds[guest->kind].acpi && !kinds[guest->kind].hap)
        return;
    vg_out_open(out, "features");
    if (guest->pae)
        write_feature(out, "pae", NULL, NULL);
    if (guest->nonpae)
        write_feature(out, "nonpae", NULL, NULL);
    if (kinds[guest->kind].acpi) {
        write_feature(out, "acpi", "on", "yes");
        write_feature(out, "apic", "on", "no");
    }
    if (kinds[guest->kind].hap)
        write_feature(out, "hap", "on", "yes");
    vg_out_close(out, "features");
}

static void write_guest(VgOut *out, const VgCapsInfo *info, const Guest *guest) {
    vg_out_open(out, "guest");
    vg_out_leaf(out, "os_type", kinds[guest->kind].os_type);
    vg_out_open(out, "arch");
    vg_out_attr(out, "name", archs[guest->arch].name);
    vg_out_leaff(out, "wordsize", "%d", archs[guest->arch].wordsize);
    vg_out_leaf(out, "emulator", info->emulator);
    if (kinds[guest->kind].loader)
        vg_out_leaf(out, "loader", info->loader);
    vg_out_leaf(out, "machine", kinds[guest->kind].machine);
    vg_out_open(out, "domain");
    vg_out_attr(out, "type", "xen");
    vg_out_close(out, "domain");
    vg_out_close(out, "arch");
    write_features(out, guest);
    vg_out_close(out, "guest");
    vg_out_gap(out);
}

char *vg_caps_format(const VgCapsInfo *info) {
    VgOut out = {.text = g_string_sized_new(4096)};
    vg_out_open(&out, "capabilities");
    vg_out_gap(&out);
    write_host(&out, info);

    g_autoptr(GArray) guests = g_array_new(FALSE, FALSE, sizeof(Guest));
    g_auto(GStrv) words = g_strsplit(info->xen_caps ? info->xen_caps : "", " ", -1);
    for (char **word = words; *word; word++)
        read_word(guests, *word);
    for (guint i = 0; i < guests->len; i++) {
        const Guest *guest = &g_array_index(guests, Guest, i);
        if (guest->kind != GUEST_PVH || !info->hide_pvh)
            write_guest(&out, info, guest);
    }
    vg_out_close(&out, "capabilities");
    return g_string_free(out.text, FALSE);
}
