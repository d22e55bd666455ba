# sim: its list of files
