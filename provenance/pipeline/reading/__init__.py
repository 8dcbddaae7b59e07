"""Reading: every file once, in parts that workers take, into columns and scratch files."""
