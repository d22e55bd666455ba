# model: its list of files
