/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"
#include "proc-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

const VgUuid fake_alpha = {{0xaa, 0xaa, 0xaa, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
const VgUuid fake_beta = {{0xbb, 0xbb, 0xbb, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

/* --- the driver --------------------------------------------------------------------------------------------------- */

struct VgSession {
    Fake *fake;
};

static void note(Fake *fake, const char *word) {
    g_string_append_printf(fake->log, "%s%s", fake->log->len > 0 ? " " : "", word);
}

static gboolean is(const VgUuid *uuid, const VgUuid *other) {
    return vg_uuid_equal(uuid, other);
}

static gboolean known(VgSession *s, const char *word, const VgUuid *uuid, GError **error) {
    note(s->fake, word);
    if (is(uuid, &fake_alpha) || is(uuid, &fake_beta))
        return TRUE;
    char text[VG_UUID_TEXT];
    vg_set_error(error, VG_ERR_NO_DOMAIN, "no domain with UUID %s", vg_uuid_format(uuid, text));
    return FALSE;
}

static void give(VgDomRef *ret, gboolean alpha) {
    ret->name = g_strdup(alpha ? "alpha" : "beta");
    ret->uuid = alpha ? fake_alpha : fake_beta;
    ret->id = alpha ? 7 : -1;
}

static VgSession *fake_open(VgDriverState *state, const char *uri, gboolean read_only, GError **error) {
    Fake *fake = (Fake *)state;
    g_autofree char *word = g_strdup_printf("open(%s%s)", uri, read_only ? ",ro" : "");
    note(fake, word);
    VgSession *session = g_new0(VgSession, 1);
    session->fake = fake;
    fake->sessions++;
    return session;
}

static void fake_close(VgSession *session) {
    note(session->fake, "close");
    session->fake->sessions--;
    g_free(session);
}

static const char *fake_type(VgSession *s) {
    return "Xen";
}
static gboolean fake_version(VgSession *s, guint64 *ret, GError **error) {
    *ret = 4017000;
    return TRUE;
}
static char *fake_hostname(VgSession *s, GError **error) {
    return g_strdup("host");
}
static char *fake_uri(VgSession *s, GError **error) {
    return g_strdup("xen:///system");
}
static char *fake_capabilities(VgSession *s, GError **error) {
    return g_strdup("<capabilities/>");
}
static char *fake_domain_capabilities(VgSession *s, const char *emulator, const char *arch, const char *machine,
                                      const char *virttype, guint flags, GError **error) {
    return g_strdup_printf("%s|%s|%s|%s|%u", emulator ? emulator : "-", arch ? arch : "-", machine ? machine : "-",
                           virttype ? virttype : "-", flags);
}
static gboolean fake_node_info(VgSession *s, VgNodeInfo *ret, GError **error) {
    *ret = (VgNodeInfo){"x86_64", 8388608, 8, 3000, 1, 1, 4, 2};
    return TRUE;
}
static gboolean fake_max_vcpus(VgSession *s, const char *type, int *ret, GError **error) {
    *ret = type == NULL ? 128 : 1;
    return TRUE;
}

static gboolean fake_list(VgSession *s, guint flags, VgDomRef **ret, gsize *ret_n, GError **error) {
    guint more = s->fake->extra, n = 0;
    *ret = g_new0(VgDomRef, more + 2);
    if (flags != 2)
        give(&(*ret)[n++], TRUE);
    if (flags != 1)
        give(&(*ret)[n++], FALSE);
    for (guint i = 0; i < more; i++)
        give(&(*ret)[n++], FALSE);
    *ret_n = n;
    return TRUE;
}
static gboolean fake_lookup_id(VgSession *s, int id, VgDomRef *ret, GError **error) {
    if (id != 7) {
        vg_set_error(error, VG_ERR_NO_DOMAIN, "no domain with id %d", id);
        return FALSE;
    }
    give(ret, TRUE);
    return TRUE;
}
static gboolean fake_lookup_uuid(VgSession *s, const VgUuid *uuid, VgDomRef *ret, GError **error) {
    if (!known(s, "lookup_uuid", uuid, error))
        return FALSE;
    give(ret, is(uuid, &fake_alpha));
    return TRUE;
}
static gboolean fake_lookup_name(VgSession *s, const char *name, VgDomRef *ret, GError **error) {
    if (g_strcmp0(name, "alpha") != 0 && g_strcmp0(name, "beta") != 0) {
        vg_set_error(error, VG_ERR_NO_DOMAIN, "no domain with name '%s'", name);
        return FALSE;
    }
    give(ret, name[0] == 'a');
    return TRUE;
}

static char *fake_xml(VgSession *s, const VgUuid *dom, guint flags, GError **error) {
    return known(s, "xml", dom, error) ? g_strdup_printf("<domain flags='%u'/>", flags) : NULL;
}
static gboolean fake_info(VgSession *s, const VgUuid *dom, VgDomInfo *ret, GError **error) {
    *ret = (VgDomInfo){is(dom, &fake_alpha) ? 1 : 5, 4096, 2048, 2, 123456789012345};
    return known(s, "info", dom, error);
}
static gboolean fake_state(VgSession *s, const VgUuid *dom, guint flags, int *ret_state, int *ret_reason,
                           GError **error) {
    *ret_state = is(dom, &fake_alpha) ? 1 : 5;
    *ret_reason = 3;
    return known(s, "state", dom, error);
}
static char *fake_os_type(VgSession *s, const VgUuid *dom, GError **error) {
    return known(s, "os_type", dom, error) ? g_strdup("hvm") : NULL;
}
static gboolean fake_alpha_only(VgSession *s, const VgUuid *dom, gboolean *ret, GError **error) {
    *ret = is(dom, &fake_alpha);
    return known(s, "flag", dom, error);
}
static gboolean fake_has_managed_save(VgSession *s, const VgUuid *dom, guint flags, gboolean *ret, GError **error) {
    return fake_alpha_only(s, dom, ret, error);
}
static gboolean fake_vcpus(VgSession *s, const VgUuid *dom, guint flags, int *ret, GError **error) {
    *ret = 2;
    return known(s, "vcpus", dom, error);
}
static gboolean fake_memory_stats(VgSession *s, const VgUuid *dom, guint flags, VgMemStat **ret, gsize *ret_n,
                                  GError **error) {
    if (!known(s, "memory_stats", dom, error))
        return FALSE;
    *ret = g_new0(VgMemStat, 2);
    (*ret)[0] = (VgMemStat){6, 2048};
    (*ret)[1] = (VgMemStat){7, 4096};
    *ret_n = 2;
    return TRUE;
}
static gboolean fake_job_info(VgSession *s, const VgUuid *dom, guint flags, VgJobInfo *ret, GError **error) {
    *ret = (VgJobInfo){0};
    if (is(dom, &fake_alpha))
        *ret = (VgJobInfo){.type = 2, .operation = 2, .elapsed_ms = 1500, .total = 4096, .processed = 1024};
    return known(s, "job_info", dom, error);
}
static gboolean fake_job_abort(VgSession *s, const VgUuid *dom, GError **error) {
    return known(s, "job_abort", dom, error);
}
static char *fake_get_metadata(VgSession *s, const VgUuid *dom, int type, const char *uri, guint flags,
                               GError **error) {
    if (!known(s, "get_metadata", dom, error))
        return NULL;
    if (is(dom, &fake_alpha))
        return g_strdup_printf("%d %s", type, uri != NULL ? uri : "-");
    vg_set_error(error, VG_ERR_NO_DOMAIN_METADATA, "beta has none");
    return NULL;
}
static gboolean fake_messages(VgSession *s, const VgUuid *dom, guint flags, char ***ret, GError **error) {
    static const char *const some[] = {"one", "two", NULL};
    if (!known(s, "messages", dom, error))
        return FALSE;
    *ret = is(dom, &fake_alpha) ? g_strdupv((char **)some) : NULL;
    return TRUE;
}
static gboolean fake_snapshot_num(VgSession *s, const VgUuid *dom, guint flags, int *ret, GError **error) {
    *ret = 0;
    return known(s, "snapshot_num", dom, error);
}

static gboolean fake_free_memory(VgSession *s, guint64 *ret, GError **error) {
    note(s->fake, "free_memory");
    *ret = G_GUINT64_CONSTANT(5) << 32;
    return TRUE;
}
static gboolean fake_max_memory(VgSession *s, const VgUuid *dom, guint64 *ret, GError **error) {
    *ret = 4096;
    return known(s, "max_memory", dom, error);
}
static gboolean fake_vcpu_list(VgSession *s, const VgUuid *dom, VgVcpuInfo **ret, gsize *ret_n, GError **error) {
    if (!known(s, "vcpu_list", dom, error))
        return FALSE;
    *ret = g_new0(VgVcpuInfo, 2);
    (*ret)[0] = (VgVcpuInfo){0, 1, 1234567890123, 5};
    (*ret)[1] = (VgVcpuInfo){1, 2, 7, 0};
    *ret_n = 2;
    return TRUE;
}
static gboolean fake_vcpu_pins(VgSession *s, const VgUuid *dom, guint flags, guint max, guint len, guint8 **ret,
                               gsize *ret_n, GError **error) {
    if (!known(s, "vcpu_pins", dom, error))
        return FALSE;
    *ret_n = MIN(max, 2u);
    *ret = g_malloc0(*ret_n * len + 1);
    for (gsize i = 0; i < *ret_n && len > 0; i++)
        (*ret)[i * len] = (guint8)(i + 5);
    return TRUE;
}
static gboolean fake_scheduler(VgSession *s, const VgUuid *dom, guint flags, const char **ret_type, VgParam *params,
                               gsize max, gsize *ret_n, GError **error) {
    VgParam weight = {.name = "weight", .type = VG_PARAM_UINT, .ui = 512};
    *ret_type = "credit2";
    *ret_n = MIN(max, 1u);
    if (max > 0)
        params[0] = weight;
    return known(s, "scheduler", dom, error);
}
static gboolean fake_block_stats(VgSession *s, const VgUuid *dom, const char *path, VgBlockStats *ret, GError **error) {
    *ret = (VgBlockStats){1, 2, 3, 4, -1};
    return known(s, "block_stats", dom, error);
}
static gboolean fake_net_stats(VgSession *s, const VgUuid *dom, const char *device, VgNetStats *ret, GError **error) {
    *ret = (VgNetStats){1, 2, 3, 4, 5, 6, 7, 8};
    return known(s, "net_stats", dom, error);
}
/* One of each type that there is. */
static gboolean fake_stats(VgSession *s, const VgUuid *doms, gsize n, guint stats, guint flags, VgStats *ret,
                           GError **error) {
    static const VgParam params[] = {
        {.name = "i", .type = VG_PARAM_INT, .i = -3},         {.name = "ui", .type = VG_PARAM_UINT, .ui = 3},
        {.name = "l", .type = VG_PARAM_LLONG, .l = -1},       {.name = "ul", .type = VG_PARAM_ULLONG, .ul = 1ull << 40},
        {.name = "d", .type = VG_PARAM_DOUBLE, .d = -0.625},  {.name = "b", .type = VG_PARAM_BOOLEAN, .i = 1},
        {.name = "s", .type = VG_PARAM_STRING, .s = "hello"},
    };
    VgStatsRecord alpha = {{"alpha", fake_alpha, 7}, 0, G_N_ELEMENTS(params)};
    VgStatsRecord beta = {{"beta", fake_beta, -1}, 0, n == 0 ? 2 : 0};
    note(s->fake, "stats");
    ret->records = g_array_new(FALSE, FALSE, sizeof(VgStatsRecord));
    ret->params = g_array_new(FALSE, FALSE, sizeof(VgParam));
    g_array_append_vals(ret->params, params, G_N_ELEMENTS(params));
    g_array_append_val(ret->records, alpha);
    g_array_append_val(ret->records, beta);
    return TRUE;
}

/* --- its slow calls */

typedef struct {
    Fake *fake;
    VgDone done;
    VgStreamDone stream; /* func NULL: the other one */
    gboolean both;
} Held;

static void end(Fake *fake, VgDone done) {
    if (fake->mode == FAKE_FAILS) {
        g_autoptr(GError) error = NULL;
        vg_set_error(&error, VG_ERR_OPERATION_INVALID, "beta is not running");
        done.func(NULL, NULL, error, done.data);
        return;
    }
    if (fake->mode == FAKE_EMPTY) {
        done.func(NULL, NULL, NULL, done.data);
        return;
    }
    VgDomRef ref;
    give(&ref, TRUE);
    done.func(&ref, "{}", NULL, done.data);
    g_free(ref.name);
}

/* --- its streams */

typedef struct {
    VgStreamEnd end;
    Fake *fake;
} FakeEnd;

static void fake_end_close(VgStreamEnd *end) {
    FakeEnd *fake_end = (FakeEnd *)end;
    Fake *fake = fake_end->fake;
    note(fake, "over");
    close(end->fd);
    if (fake->end == end)
        fake->end = NULL;
    g_free(fake_end);
}

static int picture(void) {
    int fd = memfd_create("picture", MFD_CLOEXEC);
    g_assert_no_errno(fd);
    g_assert_cmpint(write(fd, "a picture", 9), ==, 9);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    return fd;
}

static VgStreamEnd *stream_end(Fake *fake, gboolean both) {
    FakeEnd *end = g_new0(FakeEnd, 1);
    int fds[2] = {-1, -1};
    end->fake = fake;
    end->end = (VgStreamEnd){.both = both, .close = fake_end_close};
    if (both) {
        g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
        if (fake->far >= 0)
            close(fake->far);
        fake->far = fds[1];
    }
    end->end.fd = both ? fds[0] : picture();
    return fake->end = &end->end;
}

static void end_stream(Fake *fake, VgStreamDone done, gboolean both) {
    g_autoptr(GError) error = NULL;
    if (fake->mode == FAKE_FAILS)
        vg_set_error(&error, VG_ERR_OPERATION_INVALID, "beta is not running");
    gboolean gives = fake->mode != FAKE_FAILS && fake->mode != FAKE_EMPTY;
    done.func(gives ? stream_end(fake, both) : NULL, both ? NULL : "image/x-toy", error, done.data);
}

static gboolean end_later(gpointer data) {
    g_autofree Held *held = data;
    if (held->stream.func != NULL)
        end_stream(held->fake, held->stream, held->both);
    else
        end(held->fake, held->done);
    return G_SOURCE_REMOVE;
}

static void go(VgSession *s, const char *word, Held what) {
    Held *held = g_memdup2(&what, sizeof(what));
    held->fake = s->fake;
    note(s->fake, word);
    if (s->fake->mode == FAKE_LATER)
        g_idle_add(end_later, held);
    else if (s->fake->mode == FAKE_HELD)
        g_queue_push_tail(&s->fake->held, held);
    else
        end_later(held);
}

static void slow(VgSession *s, const char *word, VgDone done) {
    go(s, word, (Held){.done = done});
}

static void fake_open_console(VgSession *s, const VgUuid *dom, const char *device, guint flags, VgStreamDone done) {
    g_autofree char *word = g_strdup_printf("console(%s,%u)", device != NULL ? device : "-", flags);
    go(s, word, (Held){.stream = done, .both = TRUE});
}

static void fake_screenshot(VgSession *s, const VgUuid *dom, guint screen, guint flags, VgStreamDone done) {
    g_autofree char *word = g_strdup_printf("screenshot(%u,%u)", screen, flags);
    go(s, word, (Held){.stream = done});
}

void fake_release(Fake *fake) {
    Held *held;
    while ((held = g_queue_pop_head(&fake->held)) != NULL)
        end_later(held);
}

static void fake_define(VgSession *s, const char *xml, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("define(%.20s,%u)", xml, flags);
    slow(s, word, done);
}
static void fake_create_xml(VgSession *s, const char *xml, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("create_xml(%.20s,%u)", xml, flags);
    slow(s, word, done);
}
#define DOM_FLAGS(name)                                                                                                \
    static void fake_##name(VgSession *s, const VgUuid *dom, guint flags, VgDone done) {                               \
        g_autofree char *word = g_strdup_printf(#name "(%u)", flags);                                                  \
        slow(s, word, done);                                                                                           \
    }
DOM_FLAGS(create)
DOM_FLAGS(destroy)
DOM_FLAGS(shutdown)
DOM_FLAGS(reboot)
DOM_FLAGS(undefine)
static void fake_suspend(VgSession *s, const VgUuid *dom, VgDone done) {
    slow(s, "suspend", done);
}
static void fake_resume(VgSession *s, const VgUuid *dom, VgDone done) {
    slow(s, "resume", done);
}
static void fake_set_autostart(VgSession *s, const VgUuid *dom, gboolean on, VgDone done) {
    slow(s, on ? "autostart" : "no_autostart", done);
}
static void fake_set_metadata(VgSession *s, const VgUuid *dom, int type, const char *metadata, const char *key,
                              const char *uri, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("set_metadata(%d,%s,%s,%s,%u)", type, metadata != NULL ? metadata : "-",
                                            key != NULL ? key : "-", uri != NULL ? uri : "-", flags);
    slow(s, word, done);
}
#define DOM_TEXT(name)                                                                                                 \
    static void fake_##name(VgSession *s, const VgUuid *dom, const char *text, guint flags, VgDone done) {             \
        g_autofree char *word = g_strdup_printf(#name "(%s,%u)", text, flags);                                         \
        slow(s, word, done);                                                                                           \
    }
DOM_TEXT(attach_device)
DOM_TEXT(detach_device)
DOM_TEXT(detach_alias)
DOM_TEXT(update_device)
static void fake_set_memory(VgSession *s, const VgUuid *dom, guint64 kib, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("set_memory(%" G_GUINT64_FORMAT ",%u)", kib, flags);
    slow(s, word, done);
}
static void fake_set_vcpus(VgSession *s, const VgUuid *dom, guint n, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("set_vcpus(%u,%u)", n, flags);
    slow(s, word, done);
}
static void fake_pin_vcpu(VgSession *s, const VgUuid *dom, guint vcpu, const guint8 *map, gsize len, guint flags,
                          VgDone done) {
    g_autofree char *word = g_strdup_printf("pin_vcpu(%u,%u,%zu,%u)", vcpu, len > 0 ? map[0] : 0, len, flags);
    slow(s, word, done);
}
static void fake_set_scheduler(VgSession *s, const VgUuid *dom, const VgParam *params, gsize n, guint flags,
                               VgDone done) {
    g_autofree char *word = g_strdup_printf("set_scheduler(%s,%u,%zu,%u)", n > 0 ? params[0].name : "-",
                                            n > 0 ? params[0].ui : 0, n, flags);
    slow(s, word, done);
}
static void fake_save(VgSession *s, const VgUuid *dom, const char *to, const char *dxml, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("save(%s,%s,%u)", to, dxml != NULL ? dxml : "-", flags);
    slow(s, word, done);
}
static void fake_restore(VgSession *s, const char *from, const char *dxml, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("restore(%s,%s,%u)", from, dxml != NULL ? dxml : "-", flags);
    slow(s, word, done);
}
DOM_FLAGS(managed_save)
DOM_FLAGS(managed_save_remove)
DOM_FLAGS(managed_save_xml)
DOM_TEXT(managed_save_define)
static void fake_save_image_xml(VgSession *s, const char *file, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("save_image_xml(%s,%u)", file, flags);
    slow(s, word, done);
}
static void fake_save_image_define(VgSession *s, const char *file, const char *xml, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("save_image_define(%s,%s,%u)", file, xml, flags);
    slow(s, word, done);
}
static void fake_core_dump(VgSession *s, const VgUuid *dom, const char *to, guint format, guint flags, VgDone done) {
    g_autofree char *word = g_strdup_printf("core_dump(%s,%u,%u)", to, format, flags);
    slow(s, word, done);
}
/* Held like a slow call. */
static gboolean fake_fresh(VgSession *s, VgDone done) {
    if (s->fake->mode != FAKE_HELD)
        return TRUE;
    slow(s, "fresh", done);
    return FALSE;
}
static void fake_grid(VgSession *s, VgGridQuery what, const char *arg, VgDone done) {
    g_autofree char *word = g_strdup_printf("grid(%d,%s)", (int)what, arg != NULL ? arg : "-");
    slow(s, word, done);
}

/* --- its node devices */

static gboolean fake_nodedev_list(VgSession *s, guint flags, char ***ret, GError **error) {
    static const char *const all[] = {"pci_0000_05_00_0", "mdev_1", NULL};
    *ret = g_strdupv((char **)(flags == 1u << 14 ? all + 1 : all));
    return TRUE;
}
static gboolean fake_nodedev_exists(VgSession *s, const char *name, char **ret_name, GError **error) {
    if (g_strcmp0(name, "mdev_1") != 0 && g_strcmp0(name, "pci_0000_05_00_0") != 0) {
        vg_set_error(error, VG_ERR_NO_NODE_DEVICE, "no node device '%s'", name);
        return FALSE;
    }
    *ret_name = g_strdup(name);
    return TRUE;
}
static char *fake_nodedev_xml(VgSession *s, const char *name, guint flags, GError **error) {
    return g_strdup("<device/>");
}
static gboolean fake_nodedev_parent(VgSession *s, const char *name, char **ret, GError **error) {
    *ret = name[0] == 'm' ? g_strdup("pci_0000_05_00_0") : NULL;
    return TRUE;
}
static gboolean fake_nodedev_caps(VgSession *s, const char *name, char ***ret, GError **error) {
    static const char *const caps[] = {"pci", "mdev_types", NULL};
    *ret = g_strdupv((char **)caps);
    return TRUE;
}
static gboolean fake_nodedev_is_active(VgSession *s, const char *name, gboolean *ret, GError **error) {
    *ret = TRUE;
    return TRUE;
}

#define DEV_FLAGS(name)                                                                                                \
    static void fake_nodedev_##name(VgSession *s, const char *text, guint flags, VgDone done) {                        \
        g_autofree char *word = g_strdup_printf("nodedev_" #name "(%.20s,%u)", text, flags);                           \
        slow(s, word, done);                                                                                           \
    }
DEV_FLAGS(create_xml)
DEV_FLAGS(define)
DEV_FLAGS(undefine)
DEV_FLAGS(create)
static void fake_nodedev_destroy(VgSession *s, const char *name, VgDone done) {
    g_autofree char *word = g_strdup_printf("nodedev_destroy(%.20s)", name);
    slow(s, word, done);
}
static void fake_nodedev_set_autostart(VgSession *s, const char *name, gboolean on, VgDone done) {
    g_autofree char *word = g_strdup_printf("nodedev_autostart(%.20s,%d)", name, on);
    slow(s, word, done);
}

static void fake_nodedev_order(VgSession *s, VgNodedevOrder what, const char *name, const char *driver, guint flags,
                               VgDone done) {
    static const char *const words[] = {"detach", "reattach", "reset"};
    g_autofree char *word =
        g_strdup_printf("nodedev_%s(%s,%s,%u)", words[what], name, driver != NULL ? driver : "-", flags);
    slow(s, word, done);
}

static const char *const schemes[] = {"xen", "grid", NULL};

static const VgDriver fake_driver = {
    .struct_size = sizeof(VgDriver),
    .abi = VG_DRIVER_ABI,
    .name = "fake",
    .schemes = schemes,
    .open = fake_open,
    .close = fake_close,
    .type = fake_type,
    .version = fake_version,
    .hostname = fake_hostname,
    .uri = fake_uri,
    .capabilities = fake_capabilities,
    .domain_capabilities = fake_domain_capabilities,
    .node_info = fake_node_info,
    .max_vcpus = fake_max_vcpus,
    .list = fake_list,
    .lookup_id = fake_lookup_id,
    .lookup_uuid = fake_lookup_uuid,
    .lookup_name = fake_lookup_name,
    .xml = fake_xml,
    .info = fake_info,
    .state = fake_state,
    .os_type = fake_os_type,
    .is_active = fake_alpha_only,
    .is_persistent = fake_alpha_only,
    .is_updated = fake_alpha_only,
    .has_managed_save = fake_has_managed_save,
    .get_autostart = fake_alpha_only,
    .vcpus = fake_vcpus,
    .memory_stats = fake_memory_stats,
    .job_info = fake_job_info,
    .job_abort = fake_job_abort,
    .get_metadata = fake_get_metadata,
    .messages = fake_messages,
    .snapshot_num = fake_snapshot_num,
    .define = fake_define,
    .create_xml = fake_create_xml,
    .create = fake_create,
    .destroy = fake_destroy,
    .shutdown = fake_shutdown,
    .reboot = fake_reboot,
    .suspend = fake_suspend,
    .resume = fake_resume,
    .undefine = fake_undefine,
    .set_autostart = fake_set_autostart,
    .set_metadata = fake_set_metadata,
    .attach_device = fake_attach_device,
    .detach_device = fake_detach_device,
    .detach_alias = fake_detach_alias,
    .update_device = fake_update_device,
    .nodedev_order = fake_nodedev_order,
    .nodedev_list = fake_nodedev_list,
    .nodedev_exists = fake_nodedev_exists,
    .nodedev_xml = fake_nodedev_xml,
    .nodedev_parent = fake_nodedev_parent,
    .nodedev_caps = fake_nodedev_caps,
    .nodedev_is_active = fake_nodedev_is_active,
    .nodedev_is_persistent = fake_nodedev_is_active,
    .nodedev_get_autostart = fake_nodedev_is_active,
    .nodedev_create_xml = fake_nodedev_create_xml,
    .nodedev_define = fake_nodedev_define,
    .nodedev_undefine = fake_nodedev_undefine,
    .nodedev_create = fake_nodedev_create,
    .nodedev_destroy = fake_nodedev_destroy,
    .nodedev_set_autostart = fake_nodedev_set_autostart,
    .grid = fake_grid,
    .open_console = fake_open_console,
    .screenshot = fake_screenshot,
    .fresh = fake_fresh,
    .free_memory = fake_free_memory,
    .max_memory = fake_max_memory,
    .vcpu_list = fake_vcpu_list,
    .vcpu_pins = fake_vcpu_pins,
    .scheduler = fake_scheduler,
    .block_stats = fake_block_stats,
    .net_stats = fake_net_stats,
    .stats = fake_stats,
    .set_memory = fake_set_memory,
    .set_vcpus = fake_set_vcpus,
    .pin_vcpu = fake_pin_vcpu,
    .set_scheduler = fake_set_scheduler,
    .save = fake_save,
    .restore = fake_restore,
    .managed_save = fake_managed_save,
    .managed_save_remove = fake_managed_save_remove,
    .managed_save_xml = fake_managed_save_xml,
    .managed_save_define = fake_managed_save_define,
    .save_image_xml = fake_save_image_xml,
    .save_image_define = fake_save_image_define,
    .core_dump = fake_core_dump,
};

Fake *fake_new(void) {
    Fake *fake = g_new0(Fake, 1);
    fake->driver = fake_driver;
    fake->far = -1;
    fake->log = g_string_new(NULL);
    g_queue_init(&fake->held);
    fake->proc = vg_proc_new(&fake->driver, (VgDriverState *)fake);
    fake->server = vg_server_new(&vg_server_limits, vg_proc_handler(), fake->proc);
    return fake;
}

void fake_free(Fake *fake) {
    vg_server_free(fake->server);
    fake_release(fake);
    peer_settle();
    g_assert_cmpuint(fake->sessions, ==, 0);
    g_assert_null(fake->end);
    if (fake->far >= 0)
        close(fake->far);
    g_assert_cmpuint(vg_proc_sessions(fake->proc), ==, 0);
    vg_proc_free(fake->proc);
    g_string_free(fake->log, TRUE);
    g_free(fake);
}

/* --- the raw client ----------------------------------------------------------------------------------------------- */

Peer *peer_new(Fake *fake, gboolean read_only) {
    int fds[2];
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    Peer *peer = g_new0(Peer, 1);
    peer->fd = fds[0];
    peer->in = g_byte_array_new();
    peer->client = vg_client_ref(vg_server_adopt(fake->server, fds[1], read_only));
    return peer;
}

void peer_free(Peer *peer) {
    close(peer->fd);
    vg_client_unref(peer->client);
    g_byte_array_unref(peer->in);
    g_free(peer);
    peer_settle();
}

void peer_settle(void) {
    for (int quiet = 0; quiet < 3;)
        quiet = g_main_context_iteration(NULL, FALSE) ? 0 : quiet + 1;
}

void peer_send_bytes(Peer *peer, gconstpointer bytes, gsize len) {
    const char *p = bytes;
    while (len > 0) {
        ssize_t n = send(peer->fd, p, len, MSG_NOSIGNAL);
        if (n > 0) {
            p += n;
            len -= (gsize)n;
        } else if (errno == EAGAIN) {
            g_main_context_iteration(NULL, FALSE);
        } else {
            return; /* cut off; the receiving side shows it */
        }
    }
}

void peer_send(Peer *peer, const VgMsgHeader *header, xdrproc_t proc, gconstpointer args) {
    g_autoptr(GError) error = NULL;
    g_autoptr(VgMsg) msg = vg_msg_encode(header, proc, args, &error);
    g_assert_no_error(error);
    gsize len;
    const guint8 *bytes = vg_msg_bytes(msg, &len);
    peer_send_bytes(peer, bytes, len);
}

void peer_call(Peer *peer, gint32 procedure, xdrproc_t proc, gconstpointer args) {
    VgMsgHeader header = {VG_REMOTE_PROGRAM, VG_REMOTE_VERSION, procedure, VG_MSG_CALL, ++peer->serial, VG_MSG_OK};
    peer_send(peer, &header, proc, args);
}

static VgMsg *whole_message(Peer *peer) {
    if (peer->in->len < 4)
        return NULL;
    const guint8 *p = peer->in->data;
    gsize len = (gsize)p[0] << 24 | (gsize)p[1] << 16 | (gsize)p[2] << 8 | p[3];
    if (peer->in->len < len)
        return NULL;
    g_autoptr(GError) error = NULL;
    VgMsg *msg = vg_msg_from_bytes(p, len, &error);
    g_assert_no_error(error);
    g_byte_array_remove_range(peer->in, 0, (guint)len);
    return msg;
}

VgMsg *peer_receive(Peer *peer, int ms) {
    gint64 until = g_get_monotonic_time() + ms * 1000;
    for (;;) {
        VgMsg *msg = whole_message(peer);
        if (msg != NULL)
            return msg;
        guint8 buffer[65536];
        ssize_t n = recv(peer->fd, buffer, sizeof(buffer), 0);
        if (n > 0)
            g_byte_array_append(peer->in, buffer, (guint)n);
        else if (n == 0 || (n < 0 && errno != EAGAIN))
            return NULL;
        else if (!g_main_context_iteration(NULL, FALSE)) {
            if (g_get_monotonic_time() > until)
                return NULL;
            g_usleep(50);
        }
    }
}

gboolean peer_is_closed(Peer *peer) {
    gint64 until = g_get_monotonic_time() + PEER_PATIENCE_MS * 1000;
    while (g_get_monotonic_time() < until) {
        char byte;
        ssize_t n = recv(peer->fd, &byte, 1, MSG_PEEK);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return TRUE;
        if (!g_main_context_iteration(NULL, FALSE))
            g_usleep(50);
    }
    return FALSE;
}

int peer_ask(Peer *peer, gint32 procedure, xdrproc_t proc, gconstpointer args, xdrproc_t ret_proc, gpointer ret) {
    peer_call(peer, procedure, proc, args);
    g_autoptr(VgMsg) msg = peer_receive(peer, PEER_PATIENCE_MS);
    g_assert_nonnull(msg);
    const VgMsgHeader *header = vg_msg_header(msg);
    g_assert_cmpint(header->type, ==, VG_MSG_REPLY);
    g_assert_cmpint(header->procedure, ==, procedure);
    g_assert_cmpuint(header->serial, ==, peer->serial);
    g_autoptr(GError) error = NULL;
    if (header->status == VG_MSG_OK) {
        if (ret_proc != NULL)
            g_assert_true(vg_msg_decode(msg, ret_proc, ret, &error));
        return 0;
    }
    remote_error body = {0};
    g_assert_true(vg_msg_decode(msg, (xdrproc_t)xdr_remote_error, &body, &error));
    int code = body.code;
    xdr_free((xdrproc_t)xdr_remote_error, (char *)&body);
    return code;
}

void peer_open(Peer *peer) {
    remote_connect_open_args args = {0};
    g_assert_cmpint(peer_ask(peer, 1, (xdrproc_t)xdr_remote_connect_open_args, &args, NULL, NULL), ==, 0);
}
