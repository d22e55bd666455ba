# bench: its list of files
