"""Reports: tables in, bytes out. One file a format, each with one verb, `render`."""
