# daemon: its list of files
