"""What people and programs see: one module for each page family, api/ for JSON."""
