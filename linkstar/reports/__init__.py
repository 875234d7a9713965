"""Read-only objects, one for each page that reads many tables."""
