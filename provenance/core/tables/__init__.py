"""What tables are made of: fields with units, rows to and from Python, the schemas of what is counted of matches."""
