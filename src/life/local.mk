# life: its list of files
