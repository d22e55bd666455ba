# tests: its list of files
