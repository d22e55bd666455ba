# driver: its list of files
