/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-save.c: the file of a saved guest, whole and broken; guests that go into files and come back, by the driver's
 * own table on a simulated host. Every effect failing and every death: test-driver-crash.c.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/savefile.h"
#include "rig.h"

/* --- the file ----------------------------------------------------------------------------------------------------- */

#define XML "<domain type='xen'><name>g</name></domain>"
#define STREAM "what libxl wrote"

static char *folder;

static char *in_folder(const char *name) {
    return g_build_filename(folder, name, NULL);
}

static char *written(gsize *ret_len) {
    g_autofree char *part = in_folder("s.part"), *path = in_folder("s");
    g_autoptr(GError) error = NULL;
    char *data = NULL;
    g_auto(VgFd) fd = vg_savefile_begin(part, XML, &error);
    g_assert_no_error(error);
    g_assert_true(vg_fd_write_all(fd, STREAM, strlen(STREAM)));
    g_assert_true(vg_savefile_sync(fd, part, &error) && vg_savefile_keep(part, path, &error));
    g_assert_false(g_file_test(part, G_FILE_TEST_EXISTS));
    g_assert_true(g_file_get_contents(path, &data, ret_len, NULL));
    g_unlink(path);
    return data;
}

/* The bytes as libvirt's Xen driver lays them out. */
static void test_format(void) {
    gsize len = 0;
    g_autofree char *data = written(&len);
    static const char magic[] = "libvirt-xml\n \0 \r";
    guint32 version, xml_len;
    memcpy(&version, data + 16, 4);
    memcpy(&xml_len, data + 20, 4);
    g_assert_cmpint(memcmp(data, magic, 16), ==, 0);
    g_assert_cmpuint(version, ==, 2);
    g_assert_cmpuint(xml_len, ==, strlen(XML) + 1);
    for (int i = 24; i < 64; i++)
        g_assert_cmpint(data[i], ==, 0);
    g_assert_cmpstr(data + 64, ==, XML);
    g_assert_cmpuint(len, ==, 64 + xml_len + strlen(STREAM));
    g_assert_cmpint(memcmp(data + 64 + xml_len, STREAM, strlen(STREAM)), ==, 0);
}

/* By the file and by the bytes: both must say the same. Returns whether it is one. */
static gboolean is_savefile(const char *data, gsize len, int *ret_code) {
    g_autofree char *path = in_folder("t"), *xml = NULL, *xml2 = NULL;
    g_autoptr(GError) error = NULL, error2 = NULL;
    g_assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
    g_auto(VgFd) fd = vg_savefile_open(path, &xml, &error);
    gsize at = vg_savefile_parse(data, len, &xml2, &error2);
    g_assert_cmpint(fd >= 0, ==, at > 0);
    g_assert_cmpstr(xml, ==, xml2);
    if (fd < 0) {
        g_assert_cmpint(error->code, ==, error2->code);
        *ret_code = error->code;
    } else {
        g_assert_cmpint(lseek(fd, 0, SEEK_CUR), ==, (gint64)at);
    }
    return fd >= 0;
}

static void test_truncated(void) {
    gsize len = 0;
    int code = 0;
    g_autofree char *data = written(&len);
    gsize head = 64 + strlen(XML) + 1;
    for (gsize n = 0; n <= len; n++) {
        gboolean ok = is_savefile(data, n, &code);
        g_assert_cmpint(ok, ==, n >= head);
        if (!ok)
            g_assert_cmpint(code, ==, VIR_ERR_OPERATION_FAILED);
    }
}

static void put_word(char *data, gsize at, guint32 word) {
    memcpy(data + at, &word, sizeof word);
}

static void test_garbage(void) {
    gsize len = 0;
    int code = 0;
    g_autofree char *good = written(&len);
    static const guint32 lengths[] = {0,          1,         41, 44, 1000, VG_SAVEFILE_XML_MAX, VG_SAVEFILE_XML_MAX + 1,
                                      0x7fffffff, 0xffffffff};
    for (gsize i = 0; i < G_N_ELEMENTS(lengths);
         i++) { /* 43 is right: one less has no end, one more an end too early */
        g_autofree char *bad = g_memdup2(good, len);
        put_word(bad, 20, lengths[i]);
        g_assert_false(is_savefile(bad, len, &code));
    }
    static const guint32 versions[] = {0, 1, 3, 0x02000000, 0xffffffff};
    for (gsize i = 0; i < G_N_ELEMENTS(versions); i++) {
        g_autofree char *bad = g_memdup2(good, len);
        put_word(bad, 16, versions[i]);
        g_assert_false(is_savefile(bad, len, &code));
    }
    for (gsize at = 0; at < 16; at++) {
        g_autofree char *bad = g_memdup2(good, len);
        bad[at] ^= 0x20;
        g_assert_false(is_savefile(bad, len, &code));
    }
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    for (int round = 0; round < 2000; round++) { /* whatever it says, it says so without reading past the end */
        g_autofree char *bad = g_memdup2(good, len);
        for (int n = g_rand_int_range(random, 1, 9); n > 0; n--)
            bad[g_rand_int_range(random, 0, (gint32)len)] = (char)g_rand_int(random);
        is_savefile(bad, (gsize)g_rand_int_range(random, 0, (gint32)len + 1), &code);
    }
}

static void test_no_file(void) {
    g_autofree char *fifo = in_folder("fifo"), *xml = NULL;
    g_autoptr(GError) error = NULL, error2 = NULL, error3 = NULL;
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    g_assert_cmpint(vg_savefile_open(fifo, &xml, &error), ==, -1);
    g_assert_cmpint(error->code, ==, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(vg_savefile_open("/nonexistent/x", &xml, &error2), ==, -1);
    g_assert_cmpint(error2->code, ==, VIR_ERR_SYSTEM_ERROR);
    g_assert_cmpint(vg_savefile_begin(fifo, XML, &error3), ==, -1); /* nothing is overwritten */
    g_assert_cmpint(error3->code, ==, VIR_ERR_SYSTEM_ERROR);
}

/* --- lives -------------------------------------------------------------------------------------------------------- */

static int ended(Outcome *outcome, const char *because) {
    rig_wait(outcome);
    if (because && !(outcome->message && strstr(outcome->message, because)))
        g_error("'%s' lacks '%s'", outcome->message ? outcome->message : "(fine)", because);
    if (!because && outcome->code)
        g_test_message("%s", outcome->message);
    int code = outcome->code;
    outcome_clear(outcome);
    return code;
}

static int save(Rig *rig, const char *to, const char *because) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    vg_driver.save(rig->session, &uuid, to, NULL, 0, rig_done(&outcome));
    return ended(&outcome, because);
}

static int restore(Rig *rig, const char *from, guint flags, const char *because) {
    Outcome outcome;
    vg_driver.restore(rig->session, from, NULL, flags, rig_done(&outcome));
    return ended(&outcome, because);
}

static int managed(Rig *rig, void (*call)(VgSession *, const VgUuid *, guint, VgDone), guint flags,
                   const char *because) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    call(rig->session, &uuid, flags, rig_done(&outcome));
    return ended(&outcome, because);
}

static gboolean is_saved(Rig *rig) {
    gboolean saved = FALSE;
    VgUuid uuid = rig_uuid(rig, "g");
    g_assert_true(vg_driver.has_managed_save(rig->session, &uuid, 0, &saved, NULL));
    return saved;
}

static void check_state(Rig *rig, int state, int reason) {
    int is = -1;
    g_assert_cmpint(rig_state(rig, "g", &is), ==, state);
    g_assert_cmpint(is, ==, reason);
}

static void check_events(Rig *rig, const char *want) {
    g_assert_cmpstr(rig->events->str, ==, want);
    g_string_truncate(rig->events, 0);
}

static Rig *rig_with(const char *devices) {
    Rig *rig = rig_new(NULL);
    g_autofree char *xml = guest_xml("g", NULL, NULL, devices), *why = NULL;
    if (rig_define(rig, xml, &why))
        g_error("%s", why);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_string_truncate(rig->events, 0);
    return rig;
}

static void test_save(void) {
    Rig *rig = rig_with(NULL);
    g_autofree char *file = in_folder("g.sav");
    g_assert_cmpint(save(rig, "relative", "absolute"), ==, VIR_ERR_INVALID_ARG);
    g_assert_cmpint(save(rig, "/nonexistent/g.sav", "nonexistent"), ==, VIR_ERR_SYSTEM_ERROR);
    check_state(rig, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    g_assert_cmpint(save(rig, file, NULL), ==, 0);
    check_state(rig, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SAVED);
    check_events(rig, "g:5/4 ");
    g_assert_cmpuint(rig->guests, ==, 0);
    rig_assert_clean(rig);
    g_assert_false(is_saved(rig));
    g_assert_cmpint(restore(rig, file, 0, NULL), ==, 0);
    check_state(rig, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_RESTORED);
    check_events(rig, "g:2/2 ");
    g_autofree char *xml = rig_xml(rig, "g", 0);
    g_assert_nonnull(strstr(xml, " id='2'"));
    g_assert_nonnull(strstr(xml, "<alias name='serial0'/>"));
    g_assert_cmpint(restore(rig, file, 0, "already active"), ==, VIR_ERR_OPERATION_INVALID);
    rig_destroy(rig, "g", NULL);
    g_string_truncate(rig->events, 0);
    g_assert_cmpint(restore(rig, file, VIR_DOMAIN_SAVE_PAUSED, NULL), ==, 0); /* the file stays the user's */
    check_state(rig, VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER);
    check_events(rig, "g:2/2 g:3/4 ");
    g_assert_cmpint(save(rig, file, "resume the domain first"), ==, VIR_ERR_OPERATION_INVALID);
    rig_destroy(rig, "g", NULL);
    rig_undefine(rig, "g", NULL);
    g_assert_cmpint(restore(rig, file, 0, NULL), ==, 0); /* comes back as a transient one, and goes as such */
    g_string_truncate(rig->events, 0);
    g_assert_cmpint(save(rig, file, NULL), ==, 0);
    check_events(rig, "g:5/4 ");
    g_assert_cmpint(rig_state(rig, "g", NULL), ==, -1);
    rig_assert_clean(rig);
    rig_free(rig);
}

static void test_managed(void) {
    Rig *rig = rig_with(NULL);
    Outcome outcome;
    g_assert_cmpint(managed(rig, vg_driver.managed_save_xml, 0, "does not have managed save"), ==, VIR_ERR_NO_DOMAIN);
    g_assert_cmpint(managed(rig, vg_driver.managed_save, 0, NULL), ==, 0);
    g_assert_true(is_saved(rig));
    rig_restart(rig);
    g_assert_true(is_saved(rig));
    g_assert_cmpint(managed(rig, vg_driver.undefine, 0, "managed save image exists"), ==, VIR_ERR_OPERATION_INVALID);
    VgUuid uuid = rig_uuid(rig, "g");
    vg_driver.managed_save_xml(rig->session, &uuid, 0, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_nonnull(strstr(outcome.text, "<name>g</name>"));
    outcome_clear(&outcome);
    g_string_truncate(rig->events, 0);
    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    check_events(rig, "g:2/2 ");
    check_state(rig, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_RESTORED);
    g_assert_false(is_saved(rig));

    g_assert_cmpint(managed(rig, vg_driver.managed_save, 0, NULL), ==, 0);
    g_string_truncate(rig->events, 0);
    g_assert_cmpint(rig_start(rig, "g", VIR_DOMAIN_START_FORCE_BOOT, NULL), ==, 0);
    check_events(rig, "g:2/0 ");
    g_assert_false(is_saved(rig));

    g_assert_cmpint(managed(rig, vg_driver.managed_save, 0, NULL), ==, 0);
    g_assert_cmpint(managed(rig, vg_driver.managed_save_remove, 0, NULL), ==, 0);
    g_assert_false(is_saved(rig));
    g_assert_cmpint(managed(rig, vg_driver.managed_save_remove, 0, NULL), ==, 0);

    g_assert_cmpint(rig_start(rig, "g", 0, NULL), ==, 0);
    g_assert_cmpint(managed(rig, vg_driver.managed_save, 0, NULL), ==, 0);
    g_assert_cmpint(managed(rig, vg_driver.undefine, VIR_DOMAIN_UNDEFINE_MANAGED_SAVE, NULL), ==, 0);
    rig_restart(rig);
    g_assert_cmpint(rig_state(rig, "g", NULL), ==, -1);
    rig_assert_clean(rig);
    rig_free(rig);
}

/* A broken one says how to go on without it, and is not thrown away. */
static void test_broken(void) {
    Rig *rig = rig_with(NULL);
    g_autofree char *why = NULL;
    g_assert_cmpint(managed(rig, vg_driver.managed_save, 0, NULL), ==, 0);
    g_autofree char *command = g_strdup_printf("f=$(find '%s' -name g.save) && truncate -s -3 \"$f\"", rig->dir);
    const char *argv[] = {"sh", "-c", command, NULL};
    int status = -1;
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(rig_start(rig, "g", 0, &why), ==, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(why, "not whole"));
    g_assert_true(is_saved(rig));
    rig_assert_clean(rig);
    g_assert_cmpint(rig_start(rig, "g", VIR_DOMAIN_START_FORCE_BOOT, NULL), ==, 0);
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
}

static void check_refused(const char *devices, const char *because) {
    Rig *rig = rig_with(devices);
    g_autofree char *file = in_folder("no.sav");
    g_assert_cmpint(save(rig, file, because), ==, VIR_ERR_OPERATION_UNSUPPORTED);
    g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
    check_state(rig, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    check_events(rig, "");
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
}

/* What has state that nobody can write down: the guest runs on, and nothing is left. */
static void test_refused(void) {
    g_autofree char *vgpu = vgpu_xml("GRID T4-1Q", NULL);
    check_refused(vgpu, "back end 'mdev' cannot write down");
    check_refused("<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='0x04' slot='0' "
                  "function='0'/></source></hostdev>",
                  "0000:04:00.0");
}

static void test_image(void) {
    Rig *rig = rig_with(NULL);
    Outcome outcome;
    g_autofree char *file = in_folder("i.sav");
    g_assert_cmpint(save(rig, file, NULL), ==, 0);
    vg_driver.save_image_xml(rig->session, file, 0, rig_done(&outcome));
    rig_wait(&outcome);
    g_assert_cmpint(outcome.code, ==, 0);
    g_autofree char *xml = g_strdup(outcome.text);
    outcome_clear(&outcome);
    g_auto(GStrv) halves = g_strsplit(xml, "<on_reboot>restart</on_reboot>", 2);
    g_assert_nonnull(halves[1]);
    g_autofree char *other = g_strconcat(halves[0], "<on_reboot>destroy</on_reboot>", halves[1], NULL);
    vg_driver.save_image_define(rig->session, file, other, 0, rig_done(&outcome));
    g_assert_cmpint(ended(&outcome, NULL), ==, 0);
    g_auto(GStrv) parts = g_strsplit(xml, "262144", -1);
    g_autofree char *larger = g_strjoinv("524288", parts);
    vg_driver.save_image_define(rig->session, file, larger, 0, rig_done(&outcome));
    g_assert_cmpint(ended(&outcome, "<memory> of a saved guest cannot change"), ==, VIR_ERR_CONFIG_UNSUPPORTED);
    vg_driver.save_image_xml(rig->session, "/etc/hostname", 0, rig_done(&outcome));
    g_assert_cmpint(ended(&outcome, "not the file of a saved guest"), ==, VIR_ERR_OPERATION_FAILED);
    g_assert_cmpint(restore(rig, file, 0, NULL), ==, 0);
    g_autofree char *live = rig_xml(rig, "g", 0);
    g_assert_nonnull(strstr(live, "<on_reboot>destroy</on_reboot>"));
    rig_destroy(rig, "g", NULL);
    rig_free(rig);
}

static int dump(Rig *rig, const char *to, guint format, guint flags, const char *because) {
    Outcome outcome;
    VgUuid uuid = rig_uuid(rig, "g");
    vg_driver.core_dump(rig->session, &uuid, to, format, flags, rig_done(&outcome));
    return ended(&outcome, because);
}

static void test_dump(void) {
    Rig *rig = rig_with(NULL);
    g_autofree char *file = in_folder("g.core");
    g_assert_cmpint(dump(rig, file, 1, 0, "own format"), ==, VIR_ERR_ARGUMENT_UNSUPPORTED);
    g_assert_cmpint(dump(rig, "/nonexistent/core", 0, 0, "nonexistent"), ==, VIR_ERR_SYSTEM_ERROR);
    check_state(rig, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    g_assert_cmpint(dump(rig, file, 0, VIR_DUMP_LIVE, NULL), ==, 0);
    g_assert_cmpint(dump(rig, file, 0, 0, NULL), ==, 0);
    g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    check_state(rig, VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED);
    check_events(rig, "");
    g_assert_cmpint(dump(rig, file, 0, VIR_DUMP_CRASH, NULL), ==, 0);
    check_state(rig, VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED);
    check_events(rig, "g:5/2 ");
    g_assert_cmpint(dump(rig, file, 0, 0, "not running"), ==, VIR_ERR_OPERATION_INVALID);
    rig_assert_clean(rig);
    rig_free(rig);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("save-XXXXXX", NULL);
    g_test_add_func("/save/format", test_format);
    g_test_add_func("/save/truncated", test_truncated);
    g_test_add_func("/save/garbage", test_garbage);
    g_test_add_func("/save/no-file", test_no_file);
    g_test_add_func("/save/save", test_save);
    g_test_add_func("/save/managed", test_managed);
    g_test_add_func("/save/broken", test_broken);
    g_test_add_func("/save/refused", test_refused);
    g_test_add_func("/save/image", test_image);
    g_test_add_func("/save/dump", test_dump);
    int status = g_test_run();
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", folder);
    g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
    g_free(folder);
    return status;
}
