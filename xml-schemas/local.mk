# xml-schemas: its list of files
