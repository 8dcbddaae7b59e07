"""One of each kind that can be added: a file that declares itself, and nothing else. `test_extensions.py` registers them."""
