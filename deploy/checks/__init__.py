"""Each file that deploys Bellwether, looked at by the tool that knows its kind."""
