"""What Bellwether knows how to do. Imports neither Flask nor RQ."""
