/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * figures_libxl.c: what running domains do. Xen counts for vcpus, the kernel of domain 0 for the NICs and disks whose
 * back end it is; a disk that QEMU serves nobody counts for.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "base/fd.h"
#include "xen/libxl_op.h"

#define NET_DEV "/proc/net/dev"
#define BACKENDS "/sys/bus/xen-backend/devices"

enum { NET_DEV_MAX = 4 << 20, COUNTER_MAX = 64, SECTOR = 512 };

/* --- vcpus and their scheduler */

static void add_vcpus(VgXenOp *op, VgXenDomain *dom) {
    int n = 0, cpus = 0;
    libxl_vcpuinfo *infos = libxl_list_vcpu(op->ctx, dom->domid, &n, &cpus);
    if (!infos)
        return;
    dom->vcpu = g_new0(VgXenVcpu, (gsize)n);
    dom->n_vcpu = (gsize)n;
    for (int i = 0; i < n; i++)
        dom->vcpu[i] = (VgXenVcpu){
            .online = infos[i].online,
            .running = infos[i].running,
            .cpu = (int)infos[i].cpu,
            .time_ns = infos[i].vcpu_time,
        };
    libxl_vcpuinfo_list_free(infos, n);
}

static void add_shares(VgXenOp *op, VgXenDomain *dom) {
    libxl_domain_sched_params params;
    libxl_domain_sched_params_init(&params);
    if (libxl_domain_sched_params_get(op->ctx, dom->domid, &params) == 0) {
        dom->weight = params.weight > 0 ? (guint)params.weight : 0;
        dom->cap = params.cap > 0 ? (guint)params.cap : 0;
    }
    libxl_domain_sched_params_dispose(&params);
}

static VgXenDomain *find(VgXenDomain *doms, gsize n, guint32 domid) {
    for (gsize i = 0; i < n; i++)
        if (doms[i].domid == domid)
            return &doms[i];
    return NULL;
}

/* --- NICs */

static VgXenNic *nic_of(VgXenDomain *dom, guint number) {
    for (gsize i = 0; i < dom->n_nics; i++)
        if (dom->nics[i].number == number)
            return &dom->nics[i];
    dom->nics = g_renew(VgXenNic, dom->nics, dom->n_nics + 1);
    dom->nics[dom->n_nics] = (VgXenNic){.number = number};
    return &dom->nics[dom->n_nics++];
}

/*
 * "vif3.0: bytes packets errs drop fifo frame compressed multicast bytes ...", received first. Domain 0 receives what
 * the guest sends. A NIC of an HVM guest has two ends, vif3.0 and vif3.0-emu, of which it uses one at a time.
 */
static void add_nic(VgXenDomain *doms, gsize n, const char *line) {
    guint domid, number;
    int end = 0;
    guint64 c[16] = {0};
    if (sscanf(line, " vif%u.%u%n", &domid, &number, &end) != 2 || !(line = strchr(line + end, ':')))
        return;
    VgXenDomain *dom = find(doms, n, domid);
    if (!dom)
        return;
    char *at = (char *)line + 1;
    for (gsize i = 0; i < G_N_ELEMENTS(c); i++)
        c[i] = g_ascii_strtoull(at, &at, 10);
    VgXenNic *nic = nic_of(dom, number);
    nic->tx_bytes += c[0];
    nic->tx_packets += c[1];
    nic->tx_errors += c[2];
    nic->tx_dropped += c[3];
    nic->rx_bytes += c[8];
    nic->rx_packets += c[9];
    nic->rx_errors += c[10];
    nic->rx_dropped += c[11];
}

static void add_nics(VgXenDomain *doms, gsize n) {
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, NET_DEV, NET_DEV_MAX, NULL);
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        add_nic(doms, n, line);
    }
}

/* --- disks */

static guint64 counter(const char *device, const char *name) {
    g_autofree char *path = g_strdup_printf(BACKENDS "/%s/statistics/%s", device, name);
    g_autofree char *text = vg_fd_read_file(AT_FDCWD, path, COUNTER_MAX, NULL);
    return text ? g_ascii_strtoull(text, NULL, 10) : 0;
}

/* @device: "vbd-3-51712" */
static void add_disk(struct xs_handle *store, VgXenDomain *doms, gsize n, const char *device) {
    guint domid, number;
    if (sscanf(device, "vbd-%u-%u", &domid, &number) != 2)
        return;
    VgXenDomain *dom = find(doms, n, domid);
    g_autofree char *path = g_strdup_printf("/local/domain/0/backend/vbd/%u/%u/dev", domid, number);
    char *name = dom ? xs_read(store, XBT_NULL, path, NULL) : NULL;
    if (!name)
        return;
    dom->disks = g_renew(VgXenDisk, dom->disks, dom->n_disks + 1);
    VgXenDisk *disk = &dom->disks[dom->n_disks++];
    *disk = (VgXenDisk){
        .read_requests = counter(device, "rd_req"),
        .read_bytes = counter(device, "rd_sect") * SECTOR,
        .write_requests = counter(device, "wr_req"),
        .write_bytes = counter(device, "wr_sect") * SECTOR,
    };
    g_strlcpy(disk->name, name, sizeof disk->name);
    free(name);
}

static void add_disks(struct xs_handle *store, VgXenDomain *doms, gsize n) {
    g_autoptr(GDir) dir = g_dir_open(BACKENDS, 0, NULL);
    for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir))
        add_disk(store, doms, n, name);
}

void vg_xen_add_figures(struct xs_handle *store, VgXenDomain *doms, gsize n) {
    g_auto(VgXenOp) op = {0};
    if (!vg_xen_op_begin(&op, NULL, NULL))
        return;
    op.logger.quiet = TRUE; /* a domain may go while it is asked */
    for (gsize i = 0; i < n; i++) {
        add_vcpus(&op, &doms[i]);
        add_shares(&op, &doms[i]);
    }
    add_nics(doms, n);
    add_disks(store, doms, n);
}
