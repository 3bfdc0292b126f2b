"""Whether this Bellwether is set up well: at start, and whenever an operator asks."""
