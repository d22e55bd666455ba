# gridctl: its list of files
