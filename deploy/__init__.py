"""Where Bellwether runs, a folder for each place; `python -m deploy.checks` looks at all."""
