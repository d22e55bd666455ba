# wire: its list of files
