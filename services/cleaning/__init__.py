"""Letting go of what is kept no longer, a part of all people each day."""
