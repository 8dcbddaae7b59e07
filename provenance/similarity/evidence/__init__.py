"""Evidence: from pairs of texts to matches of records, and to what two sources share."""
