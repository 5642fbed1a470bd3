"""Ingest: documents in, up to date, and out."""
