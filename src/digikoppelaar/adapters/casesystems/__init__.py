"""Where verzoeken end up, one file for each kind of case system."""
