"""When a known text is said in a recording."""
