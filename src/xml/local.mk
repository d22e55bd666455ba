# xml: its list of files
