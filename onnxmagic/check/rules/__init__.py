"""One file a rule; the catalogue finds them by looking here."""
