"""Reports: tables, figures and one page that a person reads."""
