"""Plans as values: no database, no Flask and no clock in here."""
