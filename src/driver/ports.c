/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ports.c: ports for screens. What is taken is read off the definitions of what runs: no pool that could leak.
 */
#include "driver/ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/i18n.h"
#include "driver/run.h"

enum { FIRST = 5900, LAST = 65535 }; /* where VNC displays are counted from */

static gboolean is_chosen_here(const VgGraphics *screen) {
    gboolean listens = screen->n_listens == 0 || screen->listens[0]->type != VG_LISTEN_SOCKET;
    return (screen->type == VG_GRAPHICS_VNC || screen->type == VG_GRAPHICS_SPICE) && listens &&
           screen->autoport == VG_TRISTATE_YES;
}

static void note(GHashTable *taken, const VgDomain *def) {
    for (gsize i = 0; i < def->n_graphics; i++) {
        g_hash_table_add(taken, GINT_TO_POINTER(def->graphics[i]->port));
        g_hash_table_add(taken, GINT_TO_POINTER(def->graphics[i]->tls_port));
    }
}

static GHashTable *ports_of_runs(VgDriverState *hub) {
    GHashTable *taken = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, hub->doms.by_uuid);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const VgDom *dom = value;
        if (dom->run)
            note(taken, dom->run->def);
    }
    return taken;
}

/* Somebody else's program may listen there. A family that this host lacks has no such program. */
static gboolean can_bind(int family, const void *address, socklen_t len) {
    int yes = 1;
    g_auto(VgFd) fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return TRUE;
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return bind(fd, address, len) == 0 || errno != EADDRINUSE;
}

static gboolean is_free(int port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((guint16)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((guint16)port)};
    return can_bind(AF_INET, &v4, sizeof v4) && can_bind(AF_INET6, &v6, sizeof v6);
}

gboolean vg_ports_choose(VgDriverState *hub, VgDomain *def, GError **error) {
    int port = FIRST;
    for (gsize i = 0; i < def->n_graphics; i++)
        if (is_chosen_here(def->graphics[i]))
            def->graphics[i]->port = def->graphics[i]->tls_port = -1;
    g_autoptr(GHashTable) taken = ports_of_runs(hub);
    note(taken, def);
    for (gsize i = 0; i < def->n_graphics; i++) {
        if (!is_chosen_here(def->graphics[i]))
            continue;
        while (port <= LAST &&
               (g_hash_table_contains(taken, GINT_TO_POINTER(port)) || !(hub->simulated || is_free(port))))
            port++;
        if (port > LAST) {
            vg_set_error(error, VG_ERR_RESOURCE_BUSY,
                         _("no port of the host is left for the screen of domain '%s': %d to %d are taken"), def->name,
                         FIRST, LAST);
            return FALSE;
        }
        def->graphics[i]->port = port++;
    }
    return TRUE;
}
