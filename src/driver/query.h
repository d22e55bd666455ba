/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* query.h: what the table answers at once, see api/driver.h for each. */
#pragma once

#include "driver/hub.h"

/* host.c */
VgSession *vg_session_open(VgDriverState *hub, const char *uri, gboolean read_only, GError **error);
void vg_session_close(VgSession *session);
const char *vg_host_type(VgSession *session);
gboolean vg_host_version(VgSession *session, guint64 *ret, GError **error);
char *vg_host_name(VgSession *session, GError **error);
char *vg_host_uri(VgSession *session, GError **error);
char *vg_host_capabilities(VgSession *session, GError **error);
char *vg_host_domain_capabilities(VgSession *session, const char *emulator, const char *arch, const char *machine,
                                  const char *virttype, guint flags, GError **error);
gboolean vg_host_node_info(VgSession *session, VgNodeInfo *ret, GError **error);
gboolean vg_host_max_vcpus(VgSession *session, const char *type, int *ret, GError **error);

/* query.c */
gboolean vg_list(VgSession *session, guint flags, VgDomRef **ret, gsize *ret_n, GError **error);
gboolean vg_lookup_id(VgSession *session, int id, VgDomRef *ret, GError **error);
gboolean vg_lookup_uuid(VgSession *session, const VgUuid *uuid, VgDomRef *ret, GError **error);
gboolean vg_lookup_name(VgSession *session, const char *name, VgDomRef *ret, GError **error);
char *vg_xml(VgSession *session, const VgUuid *uuid, guint flags, GError **error);
gboolean vg_info_of(VgSession *session, const VgUuid *uuid, VgDomInfo *ret, GError **error);
gboolean vg_state(VgSession *session, const VgUuid *uuid, guint flags, int *ret_state, int *ret_reason, GError **error);
char *vg_os_type(VgSession *session, const VgUuid *uuid, GError **error);
gboolean vg_is_active(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error);
gboolean vg_is_persistent(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error);
gboolean vg_is_updated(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error);
gboolean vg_has_managed_save(VgSession *session, const VgUuid *uuid, guint flags, gboolean *ret, GError **error);
gboolean vg_get_autostart(VgSession *session, const VgUuid *uuid, gboolean *ret, GError **error);
gboolean vg_vcpus(VgSession *session, const VgUuid *uuid, guint flags, int *ret, GError **error);
gboolean vg_memory_stats(VgSession *session, const VgUuid *uuid, guint flags, VgMemStat **ret, gsize *ret_n,
                         GError **error);
/* figures.c */
VgDomFacts vg_facts_of(const VgDom *dom); /* of what runs, if it runs */
gboolean vg_fresh(VgSession *session, VgDone done);
gboolean vg_free_memory(VgSession *session, guint64 *ret_bytes, GError **error);
gboolean vg_max_memory(VgSession *session, const VgUuid *uuid, guint64 *ret_kib, GError **error);
gboolean vg_vcpu_list(VgSession *session, const VgUuid *uuid, VgVcpuInfo **ret, gsize *ret_n, GError **error);
gboolean vg_vcpu_pins(VgSession *session, const VgUuid *uuid, guint flags, guint max, guint len, guint8 **ret,
                      gsize *ret_n, GError **error);
gboolean vg_scheduler(VgSession *session, const VgUuid *uuid, guint flags, const char **ret_type, VgParam *params,
                      gsize max, gsize *ret_n, GError **error);
gboolean vg_block_stats(VgSession *session, const VgUuid *uuid, const char *path, VgBlockStats *ret, GError **error);
gboolean vg_net_stats(VgSession *session, const VgUuid *uuid, const char *device, VgNetStats *ret, GError **error);
/* What was counted for a device of the live definition when Xen was last asked, or NULL. */
const VgXenDisk *vg_figures_disk(const VgRun *run, const VgDisk *disk);
const VgXenNic *vg_figures_nic(const VgRun *run, gsize number);

/* stats.c */
gboolean vg_stats(VgSession *session, const VgUuid *uuids, gsize n_uuids, guint stats, guint flags, VgStats *ret,
                  GError **error);

/* tune.c */
void vg_set_memory(VgSession *session, const VgUuid *uuid, guint64 kib, guint flags, VgDone done);
void vg_set_vcpus(VgSession *session, const VgUuid *uuid, guint n, guint flags, VgDone done);
void vg_pin_vcpu(VgSession *session, const VgUuid *uuid, guint vcpu, const guint8 *map, gsize len, guint flags,
                 VgDone done);
void vg_set_scheduler(VgSession *session, const VgUuid *uuid, const VgParam *params, gsize n, guint flags, VgDone done);

/* query.c */
gboolean vg_messages(VgSession *session, const VgUuid *uuid, guint flags, char ***ret, GError **error);
gboolean vg_snapshot_num(VgSession *session, const VgUuid *uuid, guint flags, int *ret, GError **error);
/* virConnectListAllDomainsFlags: without the groups that are asked for in full, which every domain matches; and then,
 * does it match? */
#define VG_FILTER_ALL 0xffffu
guint vg_filter_narrowing(guint flags);
gboolean vg_filter_passes(const VgDom *dom, guint flags);
/* INVALID_ARG naming the bits that @known lacks. */
gboolean vg_flags_known(guint flags, guint known, const char *call, GError **error);

/* nodedev.c */
/* Tells of PCI functions that came, went or have another driver. */
void vg_nodedev_tell_functions(VgDriverState *hub, const GArray *before, const GArray *after);
gboolean vg_nodedev_list(VgSession *session, guint flags, char ***ret, GError **error);
gboolean vg_nodedev_exists(VgSession *session, const char *name, char **ret_name, GError **error);
char *vg_nodedev_xml(VgSession *session, const char *name, guint flags, GError **error);
gboolean vg_nodedev_parent(VgSession *session, const char *name, char **ret, GError **error);
gboolean vg_nodedev_caps(VgSession *session, const char *name, char ***ret, GError **error);
gboolean vg_nodedev_is_active(VgSession *session, const char *name, gboolean *ret, GError **error);
gboolean vg_nodedev_is_persistent(VgSession *session, const char *name, gboolean *ret, GError **error);
gboolean vg_nodedev_get_autostart(VgSession *session, const char *name, gboolean *ret, GError **error);

/* grid_watch.c: somebody wants to hear what changes in the grid. */
void vg_grid_watch(VgDriverState *hub);
void vg_grid_watch_end(VgDriverState *hub);
/* nodedev_pci.c */
void vg_nodedev_order(VgSession *session, VgNodedevOrder what, const char *name, const char *driver, guint flags,
                      VgDone done);

/* grid.c */
void vg_grid(VgSession *session, VgGridQuery what, const char *arg, VgDone done);
