/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image.c: files of saved guests, by themselves: restored, looked into, given other XML. Read on workers. */
#include <libvirt/libvirt.h>

#include "base/i18n.h"
#include "driver/query.h"
#include "driver/run.h"
#include "driver/save.h"
#include "driver/savefile.h"

typedef struct Image Image;
struct Image {
    VgDriverState *hub;
    char *path, *xml; /* xml: to give it, or what it has */
    guint flags;
    VgDone done;
    gboolean (*job)(Image *image, GError **error);
    void (*after)(Image *image); /* answers, if there is no error */
    VgFd fd;
    VgDomain *def;
    GError *error;
};

static void image_free(Image *image) {
    vg_fd_clear(&image->fd);
    vg_domain_free(image->def);
    g_free(image->path);
    g_free(image->xml);
    g_free(image);
}

static void image_run(gpointer data) {
    Image *image = data;
    image->job(image, &image->error);
}

static void image_done(gpointer data) {
    Image *image = data;
    if (image->error)
        vg_done_error(image->done, g_steal_pointer(&image->error));
    else
        image->after(image);
    image_free(image);
}

/* Takes over @path. */
static void on_image(VgDriverState *hub, char *path, const char *xml, guint flags,
                     gboolean (*job)(Image *image, GError **error), void (*after)(Image *image), VgDone done) {
    Image *image = g_new(Image, 1);
    *image = (Image){
        .hub = hub,
        .path = path,
        .xml = g_strdup(xml),
        .flags = flags,
        .done = done,
        .job = job,
        .after = after,
        .fd = -1,
    };
    vg_job_alone(VG_JOB_BESIDE, image_run, image_done, image);
}

static gboolean open_image(Image *image, GError **error) {
    g_autofree char *xml = NULL;
    image->fd = vg_savefile_open(image->path, &xml, error);
    image->def = image->fd >= 0 ? vg_domain_parse(xml, VG_XML_INACTIVE, error) : NULL;
    return image->def != NULL;
}

/* --- restore ------------------------------------------------------------------------------------------------------ */

static void restore(Image *image) {
    guint flags = image->flags & VIR_DOMAIN_SAVE_PAUSED ? VIR_DOMAIN_START_PAUSED : 0;
    vg_create_from(image->hub, g_steal_pointer(&image->def), vg_fd_steal(&image->fd), flags, image->done);
}

void vg_restore(VgSession *session, const char *from, const char *dxml, guint flags, VgDone done) {
    const guint known = VIR_DOMAIN_SAVE_PAUSED | VIR_DOMAIN_SAVE_RUNNING;
    GError *error = NULL;
    if (dxml)
        vg_set_error(&error, VG_ERR_ARGUMENT_UNSUPPORTED,
                     _("xml modification unsupported: change the file before, 'virsh save-image-define'"));
    else if (vg_flags_known(flags, known, "virDomainRestoreFlags", &error))
        on_image(session->hub, g_strdup(from), NULL, flags, open_image, restore, done);
    if (error)
        vg_done_error(done, error);
}

/* --- XML ---------------------------------------------------------------------------------------------------------- */

static void answer_xml(Image *image) {
    g_autofree char *xml = vg_domain_format(image->def, VG_XML_INACTIVE | (image->flags & VG_XML_SECURE));
    image->done.func(NULL, xml, NULL, image->done.data);
}

void vg_image_xml(VgDriverState *hub, char *path, guint flags, VgDone done) {
    GError *error = NULL;
    if (vg_flags_known(flags, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE, "virDomainSaveImageGetXMLDesc", &error)) {
        on_image(hub, path, NULL, flags, open_image, answer_xml, done);
        return;
    }
    g_free(path);
    vg_done_error(done, error);
}

void vg_save_image_xml(VgSession *session, const char *file, guint flags, VgDone done) {
    vg_image_xml(session->hub, g_strdup(file), flags, done);
}

/* What the guest has seen of its machine must stay; where its disks lie, and what listens where, may change. */
static gboolean same_machine(const VgDomain *a, const VgDomain *b, GError **error) {
    const char *what = NULL;
    if (!vg_uuid_equal(&a->uuid, &b->uuid))
        what = "<uuid>";
    else if (!g_str_equal(a->name, b->name))
        what = "<name>";
    else if (a->os.type != b->os.type)
        what = "<os>";
    else if (a->memory != b->memory || a->current_memory != b->current_memory)
        what = "<memory>";
    else if (a->vcpu.max != b->vcpu.max || a->vcpu.current != b->vcpu.current)
        what = "<vcpu>";
    else if (a->n_disks != b->n_disks || a->n_interfaces != b->n_interfaces || a->n_hostdevs != b->n_hostdevs)
        what = "<devices>";
    if (!what)
        return TRUE;
    vg_set_error(error, VG_ERR_CONFIG_UNSUPPORTED,
                 _("%s of a saved guest cannot change: the guest in the file has seen it as it was"), what);
    return FALSE;
}

static gboolean change_image(Image *image, GError **error) {
    g_autoptr(VgDomain) def = vg_domain_parse(image->xml, VG_XML_INACTIVE, error);
    if (!def || !open_image(image, error) || !same_machine(image->def, def, error))
        return FALSE;
    g_autofree char *xml = vg_domain_format(def, VG_XML_SECURE);
    return vg_savefile_change(image->path, xml, error);
}

static void answer_nothing(Image *image) {
    image->done.func(NULL, NULL, NULL, image->done.data);
}

void vg_image_define(VgDriverState *hub, char *path, const char *xml, guint flags, VgDone done) {
    GError *error = NULL;
    if (vg_flags_known(flags, VIR_DOMAIN_SAVE_RUNNING, "virDomainSaveImageDefineXML", &error)) {
        on_image(hub, path, xml, flags, change_image, answer_nothing, done);
        return;
    }
    g_free(path);
    vg_done_error(done, error);
}

void vg_save_image_define(VgSession *session, const char *file, const char *xml, guint flags, VgDone done) {
    vg_image_define(session->hub, g_strdup(file), xml, flags, done);
}
