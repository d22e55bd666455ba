# gpu: its list of files
