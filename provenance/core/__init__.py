"""The core: what every room stands on, and what knows no room."""
