/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc-server.c: the procedures with the test's own driver behind a real socket, for real clients. Serves SOCKET, and
 * SOCKET-ro for readers; ends when its input does. A line of input is an event to send: NUMBER a|b A B TEXT|-
 */
#include "config.h"
#include "proc-fixture.h"

#include <glib-unix.h>
#include <stdio.h>

typedef struct {
    Fake *fake;
    GIOChannel *input;
    GMainLoop *loop;
} Program;

static void send_event(Program *program, char **words) {
    gboolean alpha = words[1][0] == 'a';
    g_autofree char *name = g_strdup(alpha ? "alpha" : "beta");
    VgEvent event = {.id = (VgEventId)atoi(words[0]), .dom = {name, alpha ? fake_alpha : fake_beta, alpha ? 7 : -1}};
    event.a = atoi(words[2]);
    event.b = atoi(words[3]);
    event.s1 = strcmp(words[4], "-") == 0 ? NULL : words[4];
    vg_proc_event(program->fake->proc, &event);
}

static gboolean on_input(GIOChannel *channel, GIOCondition condition, gpointer data) {
    Program *program = data;
    g_autofree char *line = NULL;
    gsize end = 0;
    if (g_io_channel_read_line(channel, &line, NULL, &end, NULL) != G_IO_STATUS_NORMAL) {
        g_main_loop_quit(program->loop);
        return G_SOURCE_REMOVE;
    }
    line[end] = '\0';
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    if (g_strv_length(words) == 5)
        send_event(program, words);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: proc-server SOCKET\n");
        return 2;
    }
    Program program = {.fake = fake_new(), .loop = g_main_loop_new(NULL, FALSE)};
    program.fake->mode = FAKE_LATER;
    g_autofree char *read_only = g_strconcat(argv[1], "-ro", NULL);
    if (!vg_server_listen_unix(program.fake->server, argv[1], -1, 0600, FALSE, &error) ||
        !vg_server_listen_unix(program.fake->server, read_only, -1, 0600, TRUE, &error)) {
        fprintf(stderr, "proc-server: %s\n", error->message);
        return 1;
    }
    program.input = g_io_channel_unix_new(0);
    g_io_add_watch(program.input, G_IO_IN | G_IO_HUP, on_input, &program);
    puts("ready");
    fflush(stdout);
    g_main_loop_run(program.loop);
    g_io_channel_unref(program.input);
    fake_free(program.fake);
    g_main_loop_unref(program.loop);
    return 0;
}
