"""What pages are told while they are open: quotes that change, and triggers of their reader.

`quotes` and `triggers` put it on Redis, `reader` is what one open page has still to be told,
`memory` what it is told when it opens, and `hub` has the open connections of a web process.
"""
