"""Where data comes from: known data sets now; addresses, signals and block lists as they come."""
