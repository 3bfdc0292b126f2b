"""Changes of stored documents from one version of Bellwether to the next.

Each is a small pure function over one document, numbered, and never edited once released. It
changes nothing in a document that is right already, so that it may run twice.
"""
