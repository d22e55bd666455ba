/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sim.c: the simulated hypervisor: what Xen would refuse, what a killed daemon leaves behind, and guests that
 * outlive it. */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "sim/host.h"
#include "sim/hypervisor.h"
#include "xen/libxl_config.h"

#define PATIENCE_S 120 /* for what should take milliseconds */

typedef struct {
    char *dir;
    VgXen *xen;
    GArray *events;
} Host;

static void on_event(const VgXenEvent *event, gpointer data) {
    g_array_append_val(((Host *)data)->events, *event);
}

static void host_open(Host *h) {
    g_autoptr(GError) error = NULL;
    h->xen = vg_sim_xen_new(h->dir, &error);
    g_assert_no_error(error);
    h->xen->event = on_event;
    h->xen->event_data = h;
}

static void host_close(Host *h) {
    h->xen->ops->free(h->xen);
    h->xen = NULL;
}

static void host_json(Host *h, const char *text) {
    g_autofree char *path = g_build_filename(h->dir, "host.json", NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void setup(Host *h, gconstpointer data) {
    h->dir = g_dir_make_tmp("vg-sim-XXXXXX", NULL);
    h->events = g_array_new(FALSE, FALSE, sizeof(VgXenEvent));
    host_json(h, data ? data : "{\"memory_mib\": 8192, \"dom0_memory_mib\": 1024, \"shutdown_ms\": 20}");
    host_open(h);
}

static void remove_tree(const char *path) {
    GDir *dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *sub = g_build_filename(path, name, NULL);
        remove_tree(sub);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

static void teardown(Host *h, gconstpointer data) {
    host_close(h);
    remove_tree(h->dir);
    g_array_unref(h->events);
    g_free(h->dir);
}

/* By hand: what the translation makes of a domain is not this test's matter. */
static VgXenConfig *config_of(const char *name, guint8 id, guint64 mib, const VgPciAddr *pci) {
    VgXenConfig *config = g_new0(VgXenConfig, 1);
    libxl_domain_config *c = &config->c;
    libxl_domain_config_init(c);
    libxl_domain_build_info_init_type(&c->b_info, LIBXL_DOMAIN_TYPE_HVM);
    c->c_info.type = LIBXL_DOMAIN_TYPE_HVM;
    c->c_info.name = g_strdup(name);
    c->c_info.uuid.uuid[0] = id;
    c->b_info.max_vcpus = 2;
    c->b_info.max_memkb = c->b_info.target_memkb = mib * 1024;
    libxl_defbool_set(&c->b_info.u.hvm.vnc.enable, true);
    if (pci) {
        c->pcidevs = g_new0(libxl_device_pci, 1);
        c->num_pcidevs = 1;
        libxl_device_pci_init(c->pcidevs);
        c->pcidevs->bus = pci->bus;
    }
    return config;
}

/* The same with another kind of console: a serial port, or Xen's own. */
static guint32 create_with_console(Host *h, const char *name, guint8 id, libxl_domain_type type) {
    g_autoptr(GError) error = NULL;
    VgXenConfig *config = config_of(name, id, 64, NULL);
    guint32 domid = 0;
    if (type == LIBXL_DOMAIN_TYPE_HVM) {
        config->c.b_info.u.hvm.serial = strdup("pty");
    } else {
        libxl_domain_build_info_dispose(&config->c.b_info);
        libxl_domain_build_info_init(&config->c.b_info);
        libxl_domain_build_info_init_type(&config->c.b_info, type);
        config->c.c_info.type = type;
        config->c.b_info.max_vcpus = 1;
        config->c.b_info.max_memkb = config->c.b_info.target_memkb = 64 * 1024;
    }
    h->xen->ops->create(h->xen, &(VgXenMaking){.config = config, .token = "our-token"}, &domid, &error);
    libxl_domain_config_dispose(&config->c);
    g_free(config);
    g_assert_no_error(error);
    return domid;
}

static void config_free(VgXenConfig *config) {
    libxl_domain_config_dispose(&config->c);
    g_free(config);
}

static gboolean try_create(Host *h, const char *name, guint8 id, guint64 mib, guint32 *ret, GError **error) {
    VgXenConfig *config = config_of(name, id, mib, NULL);
    gboolean ok = h->xen->ops->create(h->xen, &(VgXenMaking){.config = config, .token = "our-token"}, ret, error);
    config_free(config);
    return ok;
}

static guint32 create(Host *h, const char *name, guint8 id, guint64 mib) {
    g_autoptr(GError) error = NULL;
    guint32 domid = 0;
    try_create(h, name, id, mib, &domid, &error);
    g_assert_no_error(error);
    return domid;
}

static gsize count(Host *h) {
    VgXenDomain *doms;
    gsize n;
    g_assert_true(h->xen->ops->list(h->xen, &doms, &n, NULL));
    g_assert_cmpuint(doms[0].domid, ==, 0);
    vg_xen_domains_free(doms, n);
    return n;
}

static VgXenRunState state(Host *h, guint32 domid, VgXenReason *reason) {
    g_autoptr(GError) error = NULL;
    VgXenDomain dom;
    h->xen->ops->info(h->xen, domid, &dom, &error);
    g_assert_no_error(error);
    if (reason)
        *reason = dom.reason;
    vg_xen_domain_clear(&dom);
    return dom.run;
}

static gboolean give_up(gpointer data) {
    g_error("no event came");
    return G_SOURCE_REMOVE;
}

static VgXenEvent wait_event(Host *h) {
    guint timer = g_timeout_add_seconds(PATIENCE_S, give_up, NULL);
    while (h->events->len == 0)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
    VgXenEvent event = g_array_index(h->events, VgXenEvent, 0);
    g_array_remove_index(h->events, 0);
    return event;
}

/* --- */

static void test_defaults(Host *h, gconstpointer data) {
    g_autofree char *path = g_build_filename(h->dir, "host.json", NULL);
    g_autoptr(GError) error = NULL;
    VgXenHostInfo info;
    host_close(h);
    g_remove(path);
    host_open(h);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_true(h->xen->ops->host_info(h->xen, &info, &error));
    g_assert_cmpuint(info.cpus, ==, 8);
    g_assert_cmpuint(info.version, ==, 4017000);
    g_assert_cmpstr(info.extra, ==, ".0");
    g_assert_cmpuint(info.memory_kib, ==, 64ull * 1024 * 1024);
    g_assert_cmpuint(info.free_kib, ==, 60ull * 1024 * 1024);
    g_assert_true(info.hvm && info.pv && info.hap && info.iommu);
    vg_xen_host_info_clear(&info);
}

static void test_bad_host(Host *h, gconstpointer data) {
    static const char *const bad[] = {"{",
                                      "[]",
                                      "{\"cpus\": 0}",
                                      "{\"cpus\": 99999999999}",
                                      "{\"xen\": \"four\"}",
                                      "{\"memory_mib\": 2048, \"dom0_memory_mib\": 2048}"};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        host_json(h, bad[i]);
        g_assert_null(vg_sim_host_load(h->dir, &error));
        g_assert_error(error, VG_ERROR, VG_ERR_INVALID_ARG);
        g_assert_nonnull(strstr(error->message, "host.json"));
    }
}

static void test_life(Host *h, gconstpointer data) {
    g_autoptr(GError) error = NULL;
    VgXenReason reason;
    guint32 domid = create(h, "guest", 1, 512);
    g_assert_cmpuint(domid, ==, 1);
    g_assert_cmpint(state(h, domid, NULL), ==, VG_XEN_PAUSED);
    g_assert_cmpint(h->xen->ops->vnc_port(h->xen, domid), ==, 5900);
    g_assert_true(h->xen->ops->unpause(h->xen, domid, &error));
    g_assert_cmpint(state(h, domid, NULL), ==, VG_XEN_RUNNING);
    g_usleep(2000);
    VgXenDomain dom;
    g_assert_true(h->xen->ops->info(h->xen, domid, &dom, &error));
    g_assert_cmpstr(dom.name, ==, "guest");
    g_assert_cmpstr(dom.token, ==, "our-token");
    g_assert_cmpuint(dom.cpu_ns, >=, 1000000);
    g_assert_cmpuint(dom.mem_kib, ==, 512 * 1024);
    g_assert_cmpuint(dom.vcpus, ==, 2);
    vg_xen_domain_clear(&dom);
    g_assert_true(h->xen->ops->shutdown(h->xen, domid, &error));
    VgXenEvent event = wait_event(h);
    g_assert_cmpint(event.kind, ==, VG_XEN_EVENT_SHUTDOWN);
    g_assert_cmpint(event.reason, ==, VG_XEN_POWEROFF);
    g_assert_cmpuint(event.domid, ==, domid);
    g_assert_cmpuint(event.uuid.b[0], ==, 1);
    g_assert_cmpint(state(h, domid, &reason), ==, VG_XEN_SHUTDOWN);
    g_assert_true(h->xen->ops->destroy(h->xen, domid, &error));
    g_assert_cmpint(wait_event(h).kind, ==, VG_XEN_EVENT_DEATH);
    g_assert_cmpuint(count(h), ==, 1);
    g_assert_false(h->xen->ops->destroy(h->xen, domid, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_NO_DOMAIN);
}

static void test_pause_keeps_request(Host *h, gconstpointer data) {
    guint32 domid = create(h, "guest", 1, 512);
    g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
    g_assert_true(h->xen->ops->pause(h->xen, domid, NULL));
    g_assert_true(h->xen->ops->reboot(h->xen, domid, NULL));
    gint64 until = g_get_monotonic_time() + 60 * 1000;
    while (g_get_monotonic_time() < until)
        g_main_context_iteration(NULL, FALSE);
    g_assert_cmpuint(h->events->len, ==, 0);
    g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
    g_assert_cmpint(wait_event(h).reason, ==, VG_XEN_REBOOT);
}

static void test_deaf(Host *h, gconstpointer data) {
    guint32 domid = create(h, "deaf-1", 1, 512);
    g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
    g_assert_true(h->xen->ops->shutdown(h->xen, domid, NULL));
    gint64 until = g_get_monotonic_time() + 50 * 1000;
    while (g_get_monotonic_time() < until)
        g_main_context_iteration(NULL, FALSE);
    g_assert_cmpint(state(h, domid, NULL), ==, VG_XEN_RUNNING);
}

static void test_refusals(Host *h, gconstpointer data) {
    guint32 domid = create(h, "guest", 1, 4096), other = 0;
    struct {
        const char *name;
        guint8 id;
        guint64 mib;
        int code;
        const char *says;
    } cases[] = {
        {"guest", 2, 128, VG_ERR_OPERATION_FAILED, "'guest'"},
        {"Domain-0", 2, 128, VG_ERR_OPERATION_FAILED, "domain 0"},
        {"other", 1, 128, VG_ERR_OPERATION_FAILED, "('guest')"},
        {"other", 2, 4096, VG_ERR_RESOURCE_BUSY, "not enough free memory"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(try_create(h, cases[i].name, cases[i].id, cases[i].mib, &other, &error));
        g_assert_error(error, VG_ERROR, cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].says));
        g_assert_cmpuint(count(h), ==, 2);
    }
    g_assert_true(h->xen->ops->destroy(h->xen, domid, NULL));
    g_assert_cmpuint(create(h, "other", 2, 4096), >, domid);
    g_autoptr(GError) error = NULL;
    g_assert_false(h->xen->ops->destroy(h->xen, 0, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_OPERATION_INVALID);
    g_clear_error(&error);
    g_assert_false(h->xen->ops->pause(h->xen, 0, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_OPERATION_INVALID);
}

static void test_pci_in_use(Host *h, gconstpointer data) {
    VgPciAddr addr = {.bus = 5};
    VgXenConfig *one = config_of("one", 1, 128, &addr), *two = config_of("two", 2, 128, &addr);
    g_autoptr(GError) error = NULL;
    guint32 domid;
    g_assert_false(h->xen->ops->create(h->xen, &(VgXenMaking){.config = one, .token = "t"}, &domid,
                                       &error)); /* a driver of the host has it */
    g_clear_error(&error);
    g_assert_true(h->xen->ops->pci_lend(h->xen, &addr, &error));
    g_assert_true(h->xen->ops->pci_lent(h->xen, &addr));
    g_assert_true(h->xen->ops->create(h->xen, &(VgXenMaking){.config = one, .token = "t"}, &domid, &error));
    g_assert_false(h->xen->ops->create(h->xen, &(VgXenMaking){.config = two, .token = "t"}, &domid, &error));
    g_assert_error(error, VG_ERROR, VG_ERR_RESOURCE_BUSY);
    g_assert_nonnull(strstr(error->message, "0000:05:00.0"));
    g_assert_nonnull(strstr(error->message, "'one'"));
    config_free(one);
    config_free(two);
    g_assert_cmpuint(count(h), ==, 2);
    g_assert_true(h->xen->ops->pci_give_back(h->xen, &addr, TRUE, NULL));
    g_assert_false(h->xen->ops->pci_lent(h->xen, &addr));
}

static void test_vnc_ports(Host *h, gconstpointer data) {
    guint32 a = create(h, "a", 1, 128), b = create(h, "b", 2, 128);
    g_assert_cmpint(h->xen->ops->vnc_port(h->xen, a), ==, 5900);
    g_assert_cmpint(h->xen->ops->vnc_port(h->xen, b), ==, 5901);
    g_assert_true(h->xen->ops->destroy(h->xen, a, NULL));
    g_assert_cmpint(h->xen->ops->vnc_port(h->xen, create(h, "c", 3, 128)), ==, 5900);
}

/* The daemon goes; the guest does not notice, and what it was to do meanwhile it has done. */
static void test_restart(Host *h, gconstpointer data) {
    guint32 stays = create(h, "stays", 1, 512), ends = create(h, "ends", 2, 512);
    VgXenReason reason;
    g_assert_true(h->xen->ops->unpause(h->xen, stays, NULL));
    g_assert_true(h->xen->ops->unpause(h->xen, ends, NULL));
    g_assert_true(h->xen->ops->shutdown(h->xen, ends, NULL));
    host_close(h);
    g_usleep(40 * 1000);
    host_open(h);
    g_assert_cmpuint(count(h), ==, 3);
    g_assert_cmpint(state(h, stays, NULL), ==, VG_XEN_RUNNING);
    g_assert_cmpint(state(h, ends, &reason), ==, VG_XEN_SHUTDOWN);
    g_assert_cmpint(reason, ==, VG_XEN_POWEROFF);
    VgXenDomain dom;
    g_assert_true(h->xen->ops->info(h->xen, stays, &dom, NULL));
    g_assert_cmpuint(dom.cpu_ns, >=, 40000000);
    g_assert_cmpstr(dom.token, ==, "our-token");
    vg_xen_domain_clear(&dom);
    g_assert_true(h->xen->ops->shutdown(h->xen, stays, NULL));
    g_assert_cmpuint(wait_event(h).domid, ==, stays);
    g_assert_cmpuint(create(h, "new", 3, 512), ==, ends + 1);
}

/* What comes to the terminal until @want is in it. */
static void hears(int fd, const char *want) {
    g_autoptr(GString) got = g_string_new(NULL);
    gint64 end = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    while (!strstr(got->str, want)) {
        char bytes[256];
        gssize n = read(fd, bytes, sizeof bytes);
        if (n > 0)
            g_string_append_len(got, bytes, n);
        else
            g_usleep(1000);
        if (g_get_monotonic_time() > end)
            g_error("no '%s' but '%s'", want, got->str);
    }
}

static int open_console(Host *h, guint32 domid) {
    g_autofree char *path = h->xen->ops->console_path(h->xen, domid, 0);
    g_assert_nonnull(path);
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static void check_console(Host *h, guint8 id, libxl_domain_type type, const char *hello) {
    char bytes[64];
    guint32 domid = create_with_console(h, "talker", id, type);
    int fd = open_console(h, domid);
    g_usleep(20000);
    g_assert_cmpint(read(fd, bytes, sizeof bytes), ==, -1); /* made, but not up yet */
    g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
    hears(fd, hello);
    g_assert_cmpint(write(fd, "who\r", 4), ==, 4);
    hears(fd, "who\r\n");
    g_assert_true(h->xen->ops->pause(h->xen, domid, NULL));
    g_assert_cmpint(write(fd, "asleep", 6), ==, 6);
    g_usleep(20000);
    g_assert_cmpint(read(fd, bytes, sizeof bytes), ==, -1);
    g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
    hears(fd, "asleep");
    /* another daemon: it is the same guest at another terminal, and does not come up anew */
    host_close(h);
    host_open(h);
    g_assert_cmpint(read(fd, bytes, sizeof bytes), <=, 0);
    close(fd);
    fd = open_console(h, domid);
    g_assert_cmpint(write(fd, "again\r", 6), ==, 6);
    hears(fd, "again\r\n");
    g_autofree char *file = g_strdup_printf("%s/state/xen/%u.console", h->dir, domid);
    g_autofree char *said = NULL;
    g_assert_true(g_file_get_contents(file, &said, NULL, NULL));
    g_assert_nonnull(strstr(said, hello));
    g_assert_nonnull(strstr(said, "again\r\n"));
    g_assert_true(h->xen->ops->shutdown(h->xen, domid, NULL));
    wait_event(h);
    hears(fd, "GUEST-END poweroff\r\n");
    g_assert_true(h->xen->ops->destroy(h->xen, domid, NULL));
    g_assert_cmpint(read(fd, bytes, sizeof bytes), <=, 0);
    g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
    g_assert_null(h->xen->ops->console_path(h->xen, domid, 0));
    close(fd);
    wait_event(h);
}

static void test_console(Host *h, gconstpointer data) {
    check_console(h, 1, LIBXL_DOMAIN_TYPE_PV, "GUEST-UP pv\r\n");
    check_console(h, 2, LIBXL_DOMAIN_TYPE_PVH, "GUEST-UP pvh\r\n");
    check_console(h, 3, LIBXL_DOMAIN_TYPE_HVM, "GUEST-UP hvm\r\n");
    guint32 mute = create(h, "mute", 4, 64);
    g_assert_null(h->xen->ops->console_path(h->xen, mute, 0));
}

/* A guest that talks and talks fills neither memory nor disk. */
static void test_console_file(Host *h, gconstpointer data) {
    guint32 domid = create_with_console(h, "talker", 1, LIBXL_DOMAIN_TYPE_PV);
    g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
    int fd = open_console(h, domid);
    hears(fd, "GUEST-UP");
    g_autofree char *file = g_strdup_printf("%s/state/xen/%u.console", h->dir, domid);
    g_autofree char *line = g_strnfill(1000, 'x');
    GStatBuf st;
    for (int i = 0; i < 200; i++) {
        g_autofree char *text = g_strdup_printf("%s%04d\r", line, i);
        g_autofree char *end = g_strdup_printf("%04d\r\n", i);
        g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
        hears(fd, end);
        g_assert_cmpint(g_stat(file, &st), ==, 0);
        g_assert_cmpint(st.st_size, <=, 70 * 1024);
    }
    g_autofree char *said = NULL;
    g_assert_true(g_file_get_contents(file, &said, NULL, NULL));
    g_assert_nonnull(strstr(said, "0199\r\n"));
    g_assert_null(strstr(said, "GUEST-UP"));
    close(fd);
}

static const struct {
    const char *point;
    gboolean named, built;
} steps[] = {{"sim.create.domain", FALSE, FALSE}, {"sim.create.named", TRUE, FALSE}, {"sim.create.built", TRUE, TRUE},
             {"sim.create.disks", TRUE, TRUE},    {"sim.create.nics", TRUE, TRUE},   {"sim.create.model", TRUE, TRUE},
             {"sim.create.pci", TRUE, TRUE},      {"sim.create.done", TRUE, TRUE}};

/* A child opens the host, and @action strikes at @point of its create. Returns its wait status. */
static int create_in_child(Host *h, const char *point, const char *action) {
    g_autofree char *fault = g_strdup_printf("%s=%s", point, action);
    pid_t pid = fork();
    if (pid == 0) {
        guint32 domid;
        g_setenv("VIRTGRID_FAULT", fault, TRUE);
        vg_fault_init();
        host_open(h);
        _exit(try_create(h, "half", 7, 256, &domid, NULL) ? 0 : 1);
    }
    int status = 0;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    return status;
}

static void test_killed(Host *h, gconstpointer data) {
    host_close(h);
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        int status = create_in_child(h, steps[i].point, "kill");
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        host_open(h);
        VgXenDomain *doms;
        gsize n;
        g_assert_true(h->xen->ops->list(h->xen, &doms, &n, NULL));
        g_assert_cmpuint(n, ==, 2);
        g_assert_cmpuint(doms[1].uuid.b[0], ==, 7);
        g_assert_cmpint(doms[1].run, ==, VG_XEN_PAUSED);
        g_assert_cmpstr(doms[1].name, ==, steps[i].named ? "half" : NULL);
        g_assert_cmpstr(doms[1].token, ==, steps[i].named ? "our-token" : NULL);
        g_assert_cmpuint(doms[1].mem_kib, ==, steps[i].built ? 256 * 1024 : 0);
        if (i + 1 < G_N_ELEMENTS(steps))
            g_assert_false(h->xen->ops->unpause(h->xen, doms[1].domid, NULL));
        g_assert_true(h->xen->ops->destroy(h->xen, doms[1].domid, NULL));
        vg_xen_domains_free(doms, n);
        g_assert_cmpuint(count(h), ==, 1);
        host_close(h);
    }
    host_open(h);
}

static void test_failed(Host *h, gconstpointer data) {
    host_close(h);
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        int status = create_in_child(h, steps[i].point, "fail");
        g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        host_open(h);
        g_assert_cmpuint(count(h), ==, 1);
        host_close(h);
    }
    host_open(h);
}

static void test_control(Host *h, gconstpointer data) {
    g_autofree char *path = g_build_filename(h->dir, "control", "guest", NULL);
    guint32 domid = create(h, "guest", 1, 512);
    g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
    g_assert_true(g_file_set_contents(path, "crash\n", -1, NULL));
    VgXenEvent event = wait_event(h);
    g_assert_cmpint(event.kind, ==, VG_XEN_EVENT_SHUTDOWN);
    g_assert_cmpint(event.reason, ==, VG_XEN_CRASH);
    g_assert_cmpuint(event.domid, ==, domid);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_torn_file(Host *h, gconstpointer data) {
    g_autofree char *path = g_build_filename(h->dir, "state", "xen", "9.json", NULL);
    create(h, "guest", 1, 512);
    host_close(h);
    g_assert_true(g_file_set_contents(path, "{\"domid\": 9", -1, NULL));
    host_open(h);
    g_assert_cmpuint(count(h), ==, 2);
}

static gpointer create_many(gpointer data) {
    Host *h = data;
    static int next = 10;
    for (int i = 0; i < 20; i++) {
        g_autofree char *name = g_strdup_printf("t%p-%d", (gpointer)g_thread_self(), i);
        guint32 domid = create(h, name, (guint8)g_atomic_int_add(&next, 1), 16);
        g_assert_true(h->xen->ops->unpause(h->xen, domid, NULL));
        if (i % 2)
            g_assert_true(h->xen->ops->destroy(h->xen, domid, NULL));
    }
    return NULL;
}

static void test_threads(Host *h, gconstpointer data) {
    GThread *threads[4];
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("create", create_many, h);
    for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpuint(count(h), ==, 1 + 4 * 10);
    for (int i = 0; i < 4 * 10; i++)
        g_assert_cmpint(wait_event(h).kind, ==, VG_XEN_EVENT_DEATH);
}

static const struct {
    const char *path;
    void (*run)(Host *h, gconstpointer data);
    const char *host;
} tests[] = {
    {"/sim/defaults", test_defaults, NULL},
    {"/sim/bad-host", test_bad_host, NULL},
    {"/sim/life", test_life, NULL},
    {"/sim/pause-keeps-request", test_pause_keeps_request, NULL},
    {"/sim/deaf", test_deaf, "{\"shutdown_ms\": 1, \"deaf\": [\"deaf-*\"]}"},
    {"/sim/console", test_console, NULL},
    {"/sim/console-file", test_console_file, NULL},
    {"/sim/refusals", test_refusals, NULL},
    {"/sim/pci-in-use", test_pci_in_use, NULL},
    {"/sim/vnc-ports", test_vnc_ports, NULL},
    {"/sim/restart", test_restart, NULL},
    {"/sim/killed-at-every-step", test_killed, NULL},
    {"/sim/failed-at-every-step", test_failed, NULL},
    {"/sim/control", test_control, NULL},
    {"/sim/torn-file", test_torn_file, NULL},
    {"/sim/threads", test_threads, NULL},
};

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Host, tests[i].host, setup, tests[i].run, teardown);
    return g_test_run();
}
