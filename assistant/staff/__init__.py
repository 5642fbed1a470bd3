"""What programme staff do: documents in, changed and out, and what founders asked in vain."""
