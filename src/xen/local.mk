# xen: its list of files
