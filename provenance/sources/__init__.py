"""Sources: what lies in a folder, what is claimed of it, and which source each file belongs to."""
