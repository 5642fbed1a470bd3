"""Store: the library of documents, and who owns it."""
