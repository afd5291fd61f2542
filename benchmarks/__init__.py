"""Everything that is measured; not shipped with the pack."""
