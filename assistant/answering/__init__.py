"""Answering: what the hits say about a question, checked word for word."""
