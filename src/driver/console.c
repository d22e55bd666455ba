/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * console.c: see the header. Which terminal a device has is asked of Xen when it is opened: a restarted xenconsoled
 * gives new ones. The terminal hangs up when the guest goes, and so does the stream.
 */
#include "driver/console.h"

#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <termios.h>

#include "base/i18n.h"
#include "driver/query.h"
#include "driver/run.h"

/* One user of one console, from his call to the end of his stream. */
typedef struct {
    VgStreamEnd end; /* first; fd -1 until it is open */
    VgDriverState *hub;
    VgDom *dom; /* a reference */
    guint32 domid;
    VgTerminal which;
    VgStreamDone done;
    gboolean is_open; /* the stream has begun */
    gboolean lost;    /* another user came before it was open */
    char *path;
    GError *error;
} Console;

static void console_free(Console *console) {
    g_queue_remove(&console->hub->consoles, console);
    vg_fd_clear(&console->end.fd);
    vg_dom_unref(console->dom);
    g_clear_error(&console->error);
    g_free(console->path);
    g_free(console);
}

static void on_close(VgStreamEnd *end) {
    console_free((Console *)end);
}

/* --- which ------------------------------------------------------------------------------------------------------ */

static gboolean has_alias(const VgChardev *chr, const char *alias) {
    return g_strcmp0(chr->info.alias, alias) == 0;
}

/* A name may be that of a serial port or a console; without one it is the first console, which may stand for a serial
 * port. */
static const VgChardev *find(const VgDomain *def, const char *device, VgTerminal *ret) {
    for (gsize i = 0; i < def->n_serials; i++) {
        *ret = (VgTerminal){.serial = TRUE, .number = (guint)i};
        if (device ? has_alias(def->serials[i], device) : i == 0 && vg_domain_is_hvm(def))
            return def->serials[i];
    }
    for (gsize i = 0; i < def->n_consoles; i++) {
        *ret = (VgTerminal){.number = (guint)i};
        if (!device || has_alias(def->consoles[i], device))
            return def->consoles[i];
    }
    return NULL;
}

static gboolean choose(const VgDomain *def, const char *device, VgTerminal *ret, GError **error) {
    const VgChardev *chr = find(def, device, ret);
    if (!chr && device)
        vg_set_error(error, VG_ERR_INVALID_ARG,
                     _("cannot find character device '%s': domain '%s' has none of that alias"), device, def->name);
    else if (!chr)
        vg_set_error(error, VG_ERR_OPERATION_INVALID,
                     _("domain '%s' has no console; give it a <serial type='pty'/> and start it anew"), def->name);
    else if (chr->type != VG_CHR_PTY)
        vg_set_error(error, VG_ERR_OPERATION_UNSUPPORTED,
                     _("character device '%s' is not using a PTY: it is of type '%s' and goes where its <source> says"),
                     chr->info.alias ? chr->info.alias : "", vg_names_name(&vg_chr_names, (int)chr->type));
    return chr && chr->type == VG_CHR_PTY;
}

/* --- who -------------------------------------------------------------------------------------------------------- */

static Console *user_of(VgDriverState *hub, const VgDom *dom, const VgTerminal *which) {
    for (GList *at = hub->consoles.head; at; at = at->next) {
        Console *console = at->data;
        if (console->dom == dom && !console->lost && console->which.serial == which->serial &&
            console->which.number == which->number)
            return console;
    }
    return NULL;
}

static void set_taken_over(const Console *console, GError **error) {
    vg_set_error(error, VG_ERR_OPERATION_ABORTED, _("another client has taken over the console of domain '%s'"),
                 console->dom->name);
}

/* It is free now, or @error. */
static gboolean make_free(VgDriverState *hub, const VgDom *dom, const VgTerminal *which, gboolean force,
                          GError **error) {
    g_autoptr(GError) why = NULL;
    Console *user = user_of(hub, dom, which);
    if (!user)
        return TRUE;
    if (!force) {
        vg_set_error(error, VG_ERR_OPERATION_FAILED,
                     _("Active console session exists for this domain: a console of '%s' has one user at a time; "
                       "--force takes it over"),
                     dom->name);
        return FALSE;
    }
    if (user->is_open) {
        set_taken_over(user, &why);
        user->end.cut(&user->end, why);
    } else {
        user->lost = TRUE;
    }
    return TRUE;
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

/* Bytes as they are: line editing and echo are the guest's. */
static gboolean make_raw(int fd) {
    struct termios mode;
    if (tcgetattr(fd, &mode) < 0)
        return FALSE;
    cfmakeraw(&mode);
    return tcsetattr(fd, TCSANOW, &mode) == 0;
}

static void open_run(gpointer data) {
    Console *console = data;
    VgXen *xen = console->hub->xen;
    console->path = xen->ops->console_path(xen, console->domid, console->which.number);
    if (!console->path) {
        vg_set_error(&console->error, VG_ERR_OPERATION_FAILED, _("PTY device is not yet assigned to domain '%s'"),
                     console->dom->name);
        return;
    }
    console->end.fd = open(console->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (console->end.fd < 0 || !make_raw(console->end.fd))
        vg_set_errno(&console->error, errno, _("cannot open the console of domain '%s', %s"), console->dom->name,
                     console->path);
}

/* While it was being opened the world went on. */
static void check_still(Console *console) {
    const VgDom *dom = console->dom;
    if (console->error)
        return;
    if (console->lost)
        set_taken_over(console, &console->error);
    else if (!dom->run || vg_dom_id(dom) != (int)console->domid)
        vg_set_error(&console->error, VG_ERR_OPERATION_INVALID, _("domain '%s' is not running"), dom->name);
    else if (!dom->run->ladder.moving)
        vg_live_terminal(dom->run->def, &console->which, console->path);
}

static void open_done(gpointer data) {
    Console *console = data;
    VgStreamDone done = console->done;
    check_still(console);
    if (console->error) {
        done.func(NULL, NULL, console->error, done.data);
        console_free(console);
        return;
    }
    console->is_open = TRUE;
    done.func(&console->end, NULL, NULL, done.data); /* it may be gone already when this returns */
}

/* The live definition, while it is the main loop's to read. */
static const VgDomain *def_of(const VgDom *dom, GError **error) {
    if (vg_life_active(&dom->life) && dom->run && vg_dom_id(dom) >= 0)
        return dom->run->def;
    vg_set_error(error, VG_ERR_OPERATION_INVALID, _("domain '%s' is not running"), dom->name);
    return NULL;
}

static gboolean may_open(VgDom *dom, VgDriverState *hub, const char *device, guint flags, VgTerminal *which,
                         GError **error) {
    const VgDomain *def = def_of(dom, error);
    return def && choose(def, device, which, error) &&
           make_free(hub, dom, which, flags & VIR_DOMAIN_CONSOLE_FORCE, error);
}

void vg_open_console(VgSession *session, const VgUuid *uuid, const char *device, guint flags, VgStreamDone done) {
    g_autoptr(GError) error = NULL;
    VgDriverState *hub = session->hub;
    VgTerminal which;
    VgDom *dom = NULL;
    /* SAFE asks for one user at a time: there are never two. */
    if (vg_flags_known(flags, VIR_DOMAIN_CONSOLE_FORCE | VIR_DOMAIN_CONSOLE_SAFE, "virDomainOpenConsole", &error))
        dom = vg_hub_guest(hub, uuid, &error);
    if (!dom || !may_open(dom, hub, device, flags, &which, &error)) {
        done.func(NULL, NULL, error, done.data);
        return;
    }
    Console *console = g_new0(Console, 1);
    *console = (Console){.end = {.fd = -1, .both = TRUE, .close = on_close},
                         .hub = hub,
                         .dom = vg_dom_ref(dom),
                         .domid = (guint32)vg_dom_id(dom),
                         .which = which,
                         .done = done};
    g_queue_push_tail(&hub->consoles, console);
    /* Not among the domain's operations: one looks at the console while they are under way. */
    vg_job_alone(VG_JOB_BESIDE, open_run, open_done, console);
}
