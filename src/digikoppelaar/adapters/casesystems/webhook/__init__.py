"""The case system of a supplier with an interface of its own: a document, uploads, and a closing call, by templates."""
