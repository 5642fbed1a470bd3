"""Index: the vector search and the word search, both rebuilt from the library."""
