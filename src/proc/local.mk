# proc: its list of files
