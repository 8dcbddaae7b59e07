"""Files that tools write for themselves beside the data, version control and caches, and how their bytes tell."""
