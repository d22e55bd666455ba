/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* interface.h: <interface>: a network card. */
#pragma once

#include "model/types.h"

typedef enum {
    VG_NET_NONE,
    VG_NET_USER,
    VG_NET_ETHERNET,
    VG_NET_NETWORK,
    VG_NET_BRIDGE,
    VG_NET_DIRECT,
    VG_NET_HOSTDEV,
    VG_NET_INTERNAL,
    VG_NET_VHOSTUSER,
    VG_NET_SERVER,
    VG_NET_CLIENT,
    VG_NET_MCAST,
    VG_NET_UDP,
    VG_NET_VDPA,
    VG_NET_LAST
} VgNetType; /* from INTERNAL on: refused */
extern const VgNames vg_net_type_names;

typedef enum { VG_LINK_NONE, VG_LINK_UP, VG_LINK_DOWN, VG_LINK_LAST } VgLinkState;

typedef struct {
    char *family; /* "ipv4", "ipv6", or NULL: as the address looks */
    char *address;
    guint prefix; /* 0 = absent */
    char *peer;
} VgNetIp;

typedef struct {
    guint id;
    char *native_mode; /* "tagged", "untagged" */
} VgVlanTag;

/* KiB/s, KiB, KiB/s; all 0 = absent */
typedef struct {
    guint64 average, peak, burst, floor;
} VgRate;

typedef struct {
    VgNetType type;
    VgTristate managed;        /* HOSTDEV */
    VgMac mac;                 /* generated with 00:16:3e if absent */
    gboolean mac_given;        /* false only while parsing */
    char *bridge;              /* BRIDGE: <source bridge=>; NETWORK: live */
    char *network, *portgroup; /* NETWORK */
    char *dev, *mode;          /* DIRECT; dev also ETHERNET */
    VgPciAddr host;            /* HOSTDEV: the VF */
    char *hostdev_driver;      /* HOSTDEV: <driver name=>, "xen" */
    char *portid;              /* NETWORK, live: of the network's daemon */
    char *script;
    char *backenddomain;
    char *target;                      /* <target dev=>: name of the vif on the host; "vifN.M" are live only */
    char *model;                       /* "netfront", "e1000", "rtl8139", ... or NULL */
    char *driver_name, *driver_queues; /* inert */
    guint mtu;                         /* 0 = absent */
    VgLinkState link;
    VgNetIp **ips;
    gsize n_ips;
    VgVlanTag **vlan;
    gsize n_vlan;
    gboolean vlan_trunk;
    char *virtualport; /* type: "openvswitch", ... */
    char *virtualport_interfaceid, *virtualport_profileid, *virtualport_instanceid;
    char *filterref;          /* inert */
    VgRate inbound, outbound; /* <bandwidth>; outbound is translated */
    VgTristate isolated;      /* <port isolated=> */
    VgDeviceInfo info;
} VgInterface;
